"""What is a revision, why it came about, and what figures were computed from, kept so that it can be read again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agrilake.contract.load import load_registry
from agrilake.contract.model import Frequency
from agrilake.errors import ConsistencyError, UsageError
from agrilake.indicators.arrivals import Arrivals
from agrilake.indicators.load import load_indicators
from agrilake.indicators.recipe import Engine, Recipe, keep_recipe, kept_recipe, recipe, tables_of
from agrilake.lake.state import Delivery
from agrilake.paths import Home
from agrilake.pipeline.rebuild import Difference, differences
from agrilake.publish.figures import seals
from agrilake.publish.reasons import UNKNOWN, Between, newly_taken, taken_of
from agrilake.publish.revisions import revised

REGISTRY = load_registry()
INDICATORS = load_indicators()
SALES, RETAIL, GROWTH, SHARE = (
    "commerce_ecommerce_sales",
    "online_retail_amount",
    "online_retail_growth",
    "brand_sales_share",
)
VILLAGE = "500112129206"
ENGINE = Engine("abc", {"polars": "1", "pyspark": "4"})
LATE = {SALES: Arrivals("农产品网络零售", Frequency.MONTH, ("2024-01", "2024-02"), ("2024-01",), "2024-02")}


def figures(*rows: tuple[str, str | None, str]) -> pl.DataFrame:
    """Figures of one indicator in one village: period, value, flag."""
    kinds: dict[str, Any] = {"value": pl.Decimal(24, 6)}
    return pl.DataFrame(
        [
            {
                "indicator_id": RETAIL,
                "division_code": VILLAGE,
                "division_level": "village",
                "period": period,
                "period_type": "month",
                "value": None if value is None else Decimal(value),
                "numerator": None,
                "denominator": None,
                "flag": flag,
            }
            for period, value, flag in rows
        ],
        schema_overrides=kinds | {"numerator": pl.Decimal(24, 6), "denominator": pl.Decimal(24, 6)},
    )


def test_a_revision_is_a_value_that_was_shown_and_is_another_now() -> None:
    before = figures(("2024-01", "1", "official"), ("2024-02", "2", "estimated"), ("2024-03", None, "missing"))
    before = before.vstack(
        figures(("2024-04", "4", "official"), ("2024-05", "5", "official"), ("2024-06", "6", "official"))
    )
    after = figures(
        ("2024-01", "1", "official"),  # the same
        ("2024-02", "2", "official"),  # only its flag
        ("2024-03", "3", "official"),  # published first
        ("2024-04", "4.000001", "official"),
        ("2024-05", None, "missing"),
        ("2024-07", "7", "official"),  # a new period
    )
    shown = ("period", "value_before", "value_after", "change", "flag_after")
    rows = revised(before, after, before.clear()).select(shown).rows()
    assert rows == [
        ("2024-04", Decimal("4.000000"), Decimal("4.000001"), Decimal("0.000001"), "official"),
        ("2024-05", Decimal(5), None, None, "missing"),
        ("2024-06", Decimal(6), None, None, None),
    ]


def test_a_value_that_comes_back_is_a_revision_too() -> None:
    """Else the last that the revisions say of it would be that it is missing."""
    before, after = figures(("2024-01", None, "missing")), figures(("2024-01", "2", "official"))
    (row,) = revised(before, after, before).select("value_before", "value_after", "flag_before", "change").rows()
    assert row == (None, Decimal(2), "missing", None)


def made(**changes: Any) -> Recipe:
    versions: dict[str, int | None] = dict.fromkeys(tables_of(INDICATORS), 1)
    whole = recipe(INDICATORS, REGISTRY, "500112000000", versions, LATE, ENGINE)
    return replace(whole, **changes)


def edited(name: str, **changes: Any) -> Recipe:
    return made(indicators=tuple(replace(item, **changes) if item.id == name else item for item in INDICATORS))


def delivery(period: str, dataset: str = SALES, **more: Any) -> Delivery:
    said = {"kind": "base", "status": "accepted", "accepted": 3, "contract_version": "1.0.0", "reference_version": "r1"}
    name = f"{dataset}__{period}__张三报.csv"
    return Delivery(f"{period}{dataset}"[:16], dataset, "commerce", period, name, "0", 1, **{**said, **more})


def why(
    indicator: str, period: str, *touched: Delivery, past: dict[str, str] | None = None, before: Recipe | None = None
) -> str:
    """The reason, in a lake without tables."""
    between = Between(Home.at(Path("/nowhere")), REGISTRY, before or made(), made(), touched, past or {})
    return between.why(indicator, period)[0]


@pytest.mark.parametrize(
    ("item", "past", "said"),
    [
        (delivery("2024-02", revision=2), "", "第 2 次更正"),
        (delivery("2024-02", kind="mend", mends="ab"), "", "补正"),
        (delivery("2024-01"), "", "迟报"),
        (delivery("2024-02"), "", "新报"),
        (delivery("2024-02", contract_version="2.0.0"), "3|1.0.0|r1", "按新规范（2.0.0 版）重新接收"),
        (delivery("2024-02", reference_version="r2"), "3|1.0.0|r1", "按新的区划表重新核对"),
        (delivery("2024-02"), "2|1.0.0|r1", "放行原退回的行"),
        (delivery("2024-02", status="refused"), "3|1.0.0|r1", "不再采用"),
    ],
)
def test_what_a_delivery_did_is_said_with_its_file(item: Delivery, past: str, said: str) -> None:
    reason = why(RETAIL, item.period, item, past={item.id: past} if past else None)
    assert reason == f"《农产品网络零售》{item.period} 期{said}（{SALES}__{item.period}__….csv，批次 {item.id[:8]}）"
    assert "张三" not in reason


def test_only_files_that_the_figure_rests_on_are_named() -> None:
    others = (delivery("2024-05"), delivery("2024-02", "civil_elder"), delivery("2023-02"))
    own = delivery("2024-02", revision=1)
    assert why(RETAIL, "2024-02", own, *others).count("《") == 1
    assert "2023-02 期" in why(GROWTH, "2024-02", own, *others), "growth rests on the year before too"
    assert why(RETAIL, "2024Q1", own, *others).count("《") == 1
    assert "2024-05 期" in why(RETAIL, "2024-03", own, *others), "where none is of the period, those of others"
    assert why("elder_visits_per_1000", "2024-02", own) == UNKNOWN
    division = delivery("2024", "stats_division", revision=1)
    assert "《行政区划》2024 期第 1 次更正" in why(RETAIL, "2024-02", own, division)


def test_many_files_are_counted() -> None:
    files = [delivery(f"2024-{month:02d}", revision=1) for month in range(1, 9)]
    assert why(RETAIL, "2024", *files).endswith("等 8 份文件")


def test_edits_of_declarations_tables_and_engine_are_said() -> None:
    retail = next(item for item in INDICATORS if item.id == RETAIL)
    assert why(RETAIL, "2024", before=edited(RETAIL, edition="2020")) == f"《{retail.name}》口径由 2020 版改为 2025 版"
    assert why(GROWTH, "2024", before=edited(RETAIL, scale=2)) == f"《{retail.name}》指标声明已修改"
    assert why(RETAIL, "2024", before=edited(RETAIL, description="别的说法", targets={2024: 1})) == UNKNOWN
    visits = next(item for item in INDICATORS if item.id == "elder_visits_per_1000")
    assert visits.numerator is not None and visits.numerator.counts
    uncounted = edited(visits.id, numerator=replace(visits.numerator, counts=""))
    assert why(visits.id, "2024", before=uncounted) == UNKNOWN, "what is counted changes no value"
    assert why(RETAIL, "2024", before=made(engine=replace(ENGINE, code="old"))) == "指标计算程序已更新"
    sources = {
        name: replace(source, version=0 if name == "online_trade" else 1) for name, source in made().sources.items()
    }
    assert why(RETAIL, "2024", before=made(sources=sources)) == "所用的表有新版本：gold.online_trade 0→1"


def test_manifests_say_what_was_newly_taken() -> None:
    one, other = delivery("2024-01"), delivery("2024-02")
    assert newly_taken([], [one, replace(other, status="waiting")]) == {one.id: "3|1.0.0|r1"}
    assert taken_of(replace(one, status="refused")) == ""


def test_a_recipe_is_read_as_it_was_written(tmp_path: Path) -> None:
    home = Home.at(tmp_path).prepare()
    wanted = edited(RETAIL, targets={"2024": 1.5, "2025": 2})
    digest = keep_recipe(home, wanted)
    assert keep_recipe(home, wanted) == digest
    again = kept_recipe(home, digest)
    assert again.text == wanted.text
    assert [replace(item, path=Path()) for item in again.indicators] == [
        replace(item, path=Path()) for item in wanted.indicators
    ]
    assert again.arrivals == wanted.arrivals
    assert [path.name for path in (home.published / "recipes").iterdir()] == [f"{digest}.json"]


def test_a_recipe_that_was_altered_or_lost_is_not_used(tmp_path: Path) -> None:
    home = Home.at(tmp_path).prepare()
    digest = keep_recipe(home, made())
    path = home.published / "recipes" / f"{digest}.json"
    path.write_text(path.read_text(encoding="utf-8").replace("2025", "2026"), encoding="utf-8")
    with pytest.raises(ConsistencyError, match="was altered"):
        kept_recipe(home, digest)
    path.unlink()
    with pytest.raises(UsageError, match="is gone"):
        kept_recipe(home, digest)


def test_an_indicator_awaits_a_table_that_is_not_there_yet() -> None:
    sources = {
        name: replace(source, version=None if name == "online_trade" else 1) for name, source in made().sources.items()
    }
    settled = {item.id: item for item in made(sources=sources).settled}
    assert (settled[RETAIL].awaits, settled[RETAIL].numerator) == ("农产品网络零售", None)
    assert settled["elder_visits_per_1000"].awaits == ""


def test_differences_are_to_the_last_bit_and_name_their_rows() -> None:
    shown = figures(("2024-01", "1", "official"), ("2024-02", "2", "official"), ("2024-03", None, "missing"))
    again = figures(("2024-01", "1.000001", "official"), ("2024-03", None, "missing"), ("2024-04", "4", "official"))
    assert differences(shown, shown) == ()
    assert differences(shown, again) == (
        Difference(VILLAGE, "2024-01", {"value": (Decimal(1), Decimal("1.000001"))}),
        Difference(VILLAGE, "2024-02", {}, "published"),
        Difference(VILLAGE, "2024-04", {}, "rebuilt"),
    )
    said = differences(shown, again)[0].text({"value": "指标值"})
    assert said == f"{VILLAGE} 2024-01：指标值 发布 1.000000，重算 1.000001"


def test_a_seal_breaks_with_any_change() -> None:
    rows = figures(("2024-01", "1", "official"), ("2024-02", "2", "official"))
    assert seals(rows) == seals(rows.reverse())
    assert seals(rows) != seals(rows.with_columns(flag=pl.lit("estimated")))
    assert seals(rows)[RETAIL]["rows"] == 2
