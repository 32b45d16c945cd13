"""Dashboards are declared strictly, and no dataset is left without an indicator or layer and a dashboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from agrilake.contract.load import load_registry
from agrilake.errors import ContractError
from agrilake.indicators.load import load_indicators
from agrilake.layers.load import load_layers
from agrilake.paths import project_root
from agrilake.superset.export import datasets_of, surroundings
from agrilake.superset.load import load_dashboards
from agrilake.superset.reach import empty_words, inputs_of, reached_by_dashboard, reached_by_indicators

REGISTRY = load_registry((project_root() / "schemas",))
INDICATORS = {item.id: item for item in load_indicators()}
AROUND = surroundings(REGISTRY, load_indicators())
DECLARED = """\
slug: trial
title: 试验
short: 试验
intro: 试验用的看板
sort: 1
filters: [period]
cards: [online_retail_amount]
sections:
- title: 业务
  charts:
  - name: trade
    title: 零售额
    about: 各月零售额
    kind: bars
    table: online_trade
    axis: period
    measures: [sum_amount_yuan]
"""


def test_nine_dashboards_are_declared() -> None:
    slugs = [item.slug for item in AROUND.dashboards]
    departments = ["agri", "commerce", "civil", "postal", "coop"]
    assert slugs == ["overview", *departments, "logistics", "elders", "quality"]


def test_every_dataset_reaches_an_indicator_or_a_layer() -> None:
    reached = reached_by_indicators(INDICATORS.values(), REGISTRY, INDICATORS)
    reached |= inputs_of((layer.source for layer in load_layers()), REGISTRY)
    assert sorted(set(REGISTRY.datasets) - reached) == []


def test_every_dataset_reaches_a_dashboard() -> None:
    """Not by standing in the list of deliveries: a number or a line must be made from it."""
    reached = set()
    for dashboard in AROUND.dashboards:
        reached |= reached_by_dashboard(dashboard, REGISTRY, INDICATORS, load_layers())
    assert sorted(set(REGISTRY.datasets) - reached) == []


def test_every_department_reads_about_its_own_datasets() -> None:
    for dashboard in AROUND.dashboards:
        if dashboard.slug in {item.department for item in REGISTRY.datasets.values()}:
            own = {item.id for item in REGISTRY.datasets.values() if item.department == dashboard.slug}
            assert own <= reached_by_dashboard(dashboard, REGISTRY, INDICATORS, load_layers()), dashboard.slug


def test_a_chart_without_rows_names_the_deliveries_that_it_rests_on() -> None:
    words = empty_words(datasets_of(REGISTRY)["agri_supply"], REGISTRY)
    assert "区供销合作社《" in words
    assert "尚未报送" in words


def load(folder: Path, text: str) -> None:
    (folder / "trial.yaml").write_text(text, encoding="utf-8")
    load_dashboards(REGISTRY, datasets_of(REGISTRY), load_indicators(), folder)


def test_a_good_declaration_is_taken(tmp_path: Path) -> None:
    load(tmp_path, DECLARED)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("slug: trial", "slug: other", r"line 1, slug: 'other' differs from the file's name 'trial'"),
        ("intro:", "intor:", r"line 4, intor: unknown key 'intor' \(did you mean 'intro'"),
        ("[period]", "[perod]", r"line 6, filters\[0\]: 'perod' is unknown \(one of period, area"),
        ("[online_retail_amount]", "[online_retail]", r"line 7, cards\[0\]: 'online_retail' is unknown"),
        ("kind: bars", "kind: gauge", r"line 14, .*kind: 'gauge' is unknown \(one of bars"),
        ("table: online_trade", "table: online_trades", r"line 15, .*table: 'online_trades' is unknown"),
        ("axis: period", "axis: perod", r"line 16, .*axis: 'perod' is unknown"),
        ("[sum_amount_yuan]", "[sum_amount]", r"line 17, .*measures: 'sum_amount' is unknown"),
        ("axis: period", "page: 5", r"line 16, .*page: unknown key 'page'"),
        ("    axis: period\n", "", r"line 11, .*axis is missing"),
        ("title: 试验\n", "", r"line 1, document: title is missing"),
        ("cards:", "explore: [agri_output]\ncards:", r"line 7, explore\[0\]: agri_output has no values by township"),
    ],
)
def test_errors_name_file_and_place(tmp_path: Path, was: str, now: str, said: str) -> None:
    with pytest.raises(ContractError, match=rf"trial\.yaml.*{said}"):
        load(tmp_path, DECLARED.replace(was, now, 1))


def test_one_chart_shows_one_unit(tmp_path: Path) -> None:
    mixed = "  - {name: a, title: 甲, about: 甲, kind: trend, indicators: [online_retail_amount, brand_sales_share]}\n"
    with pytest.raises(ContractError, match=r"indicators: units differ: %, 元"):
        load(tmp_path, DECLARED + mixed)


@pytest.mark.parametrize("name", ["trade", "villages"])
def test_two_charts_may_not_have_one_name(tmp_path: Path, name: str) -> None:
    """Neither two declared ones, nor one that every dashboard has."""
    again = f"  - {{name: {name}, title: 甲, about: 甲, kind: trend, indicators: [online_retail_amount]}}\n"
    with pytest.raises(ContractError, match=f"two charts are called '{name}'"):
        load(tmp_path, DECLARED + again)
