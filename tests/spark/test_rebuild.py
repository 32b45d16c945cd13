"""Any figure ever published can be computed again, whatever was delivered, corrected or edited since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.conftest import open_lake
from tests.support.samples import SAMPLE, drop
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.errors import UsageError
from agrilake.indicators import values
from agrilake.indicators.load import load_indicators
from agrilake.paths import Home, project_root
from agrilake.pipeline import publishing, steps
from agrilake.pipeline.compare import compare_publications
from agrilake.pipeline.context import Lake
from agrilake.pipeline.rebuild import rebuild
from agrilake.pipeline.run import run_all
from agrilake.publish.opening import read_only
from agrilake.publish.records import records

pytestmark = pytest.mark.spark
RETAIL, DISTRICT, MONTH = "online_retail_amount", "500112000000", "2024-02"
CORRECTED = "commerce_ecommerce_sales__2024-02__更正.csv"
CORRECTION = "commerce_ecommerce_sales__2024-02__更正2.csv"
SALE, MORE_YUAN = "92500199MA0000058M,拼多多平台,大米,90,4581.6,", 5000


def published(home: Home, version: int, sql: str, role: str = "leader") -> list[tuple[Any, ...]]:
    """The answer of a publication's file."""
    with closing(read_only(home.publications / f"{version:06d}" / f"{role}.duckdb")) as connection:
        return connection.execute(sql).fetchall()


def retail(home: Home, version: int) -> Any:
    """The district's online retail of the corrected month, as a publication shows it."""
    shown = f"SELECT value FROM indicator_value WHERE indicator_id = '{RETAIL}' AND division_code = '{DISTRICT}'"
    return published(home, version, f"{shown} AND period = '{MONTH}'")[0][0]


def correct(root: Path) -> None:
    """Drop another correction of a month: one sale is 5,000 yuan more."""
    text = (SAMPLE / "inbox" / "commerce" / CORRECTED).read_text(encoding="utf-8-sig")
    assert text.count(SALE) == 1
    changed = root.parent / CORRECTION
    changed.write_text(text.replace(SALE, SALE.replace(",4581", ",9581")), encoding="utf-8-sig")
    drop(changed, root, department="commerce")


@pytest.fixture(scope="module")
def lake(small_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """The small lake with three publications: as built, after a correction, and after an edit of an indicator. The
    files of the first have been retired since."""
    root = tmp_path_factory.mktemp("rebuild") / "home"
    shutil.copytree(small_lake, root, symlinks=True)
    lake = open_lake(root)
    correct(root)
    report = run_all(lake)
    assert (report.failures, report.publication) == ([], "2")
    folder = root.parent / "indicators"
    shutil.copytree(project_root() / "schemas" / "indicators", folder)
    path = folder / f"{RETAIL}.yaml"
    path.write_text(path.read_text().replace("edition: '2025'", "edition: '2026'") + "scale: 0.5\n", encoding="utf-8")
    edited = load_indicators(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agrilake.indicators.load.load_indicators", lambda: edited)
        steps.update_indicators(lake)
        assert publishing.update_publication(lake).version == 3
        patch.setenv("AGRILAKE_HOME", str(root))
        yield lake


def test_a_correction_is_a_revision_with_both_values_and_the_file(lake: Lake) -> None:
    before, after = (retail(lake.home, version) for version in (1, 2))
    columns = "value_before, value_after, change, flag_before, flag_after, division_name, reason, deliveries"
    chosen = f"indicator_id = '{RETAIL}' AND division_code = '{DISTRICT}' AND published_after = 2"
    sql = f"SELECT period, {columns} FROM indicator_revision WHERE {chosen} ORDER BY period"
    rows = published(lake.home, 2, sql)
    assert rows == published(lake.home, 3, sql, "analyst")
    assert [row[0] for row in rows] == ["2024", MONTH, "2024Q1"]
    month = rows[1]
    delivery = next(item for item in lake.state.deliveries() if item.file_name == CORRECTION)
    assert after > before
    assert month[1:7] == (before, after, after - before, "official", "official", "渝北区")
    assert month[7] == (
        f"《农产品网络零售》2024-02 期第 2 次更正（commerce_ecommerce_sales__2024-02__….csv，批次 {delivery.id[:8]}）"
    )
    assert month[8] == delivery.id


def test_only_what_rests_on_the_correction_is_revised(lake: Lake) -> None:
    """One sale was corrected: figures of its village, township and the district, of that month and around it."""
    rows = published(
        lake.home, 2, "SELECT DISTINCT period FROM indicator_revision WHERE indicator_id <> 'online_retail_growth'"
    )
    assert {row[0] for row in rows} == {"2024", MONTH, "2024Q1"}
    shown = [pl.DataFrame(published(lake.home, one, FIGURES), orient="row") for one in (1, 2)]
    assert shown[0].height == shown[1].height
    differing = shown[0].join(shown[1], on=shown[0].columns, how="anti", nulls_equal=True).height
    (revisions,) = published(lake.home, 2, "SELECT count(*) FROM indicator_revision")
    assert revisions[0] == differing > 0


FIGURES = "SELECT indicator_id, division_code, period, value FROM indicator_value WHERE value IS NOT NULL"


def test_an_edited_indicator_says_so_and_nothing_else_is_revised(lake: Lake) -> None:
    sql = "SELECT DISTINCT indicator_id, reason FROM indicator_revision WHERE published_after = 3 ORDER BY ALL"
    rows = dict(published(lake.home, 3, sql))
    name = next(item.name for item in load_indicators() if item.id == RETAIL)
    assert rows[RETAIL] == f"《{name}》口径由 2025 版改为 2026 版"
    assert set(rows.values()) == {rows[RETAIL]}


def test_the_first_publication_comes_out_bit_for_bit_though_everything_moved_on(lake: Lake) -> None:
    """Its files are gone, a source table has a newer version, and a declaration was edited."""
    shutil.rmtree(lake.home.publications / "000001")
    first = records(lake.home)[0]
    assert not first.is_kept
    assert first.sources["online_trade"].delta_version != records(lake.home)[1].sources["online_trade"].delta_version
    found = rebuild(lake, 1)
    assert [(item.indicator, item.verdict) for item in found if not item.is_same] == []
    assert len(found) == len(load_indicators())
    assert sum(item.rows for item in found) == first.rows["indicator_value"]
    assert {item.edition for item in found if item.indicator == RETAIL} == {"2025"}
    assert found[0].engine_said.startswith("与发布时相同")


def test_publications_are_compared_also_when_one_is_retired(lake: Lake) -> None:
    found = {item.table: item for item in compare_publications(lake, 1, 2)}
    for table, column in (("online_trade", "amount_yuan"), ("commerce_ecommerce_sales", "amount_yuan")):
        differs = found[table].diff
        assert differs is not None
        assert (differs.changed, differs.added, differs.removed, differs.columns) == (1, 0, 0, {column: 1})
        old, new = differs.sample[0].columns[column]
        assert new - old == MORE_YUAN
    assert found["elder"].diff is None
    deliveries = found["delivery"]
    assert (deliveries.rows_after or 0) - (deliveries.rows_before or 0) == 1
    later = {item.table: item.diff for item in compare_publications(lake, 2, 3)}
    assert {name for name, differs in later.items() if differs and not differs.is_same} == {
        "check_result",
        "indicator",
        "indicator_revision",
        "indicator_value",
    }


def test_a_figure_that_comes_out_otherwise_is_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that rounds in another way finds what it does otherwise; the declaration is that of the publication."""
    monkeypatch.setattr(values, "ZERO_BASE", "没有分母")
    monkeypatch.setattr(values, "_product", lambda amount, factor: (amount * factor * 2).cast(values.WIDE))
    found = CliRunner().invoke(app, ["rebuild", RETAIL, "--published", "3", "--period", MONTH, "--json"])
    assert found.exit_code == 1, found.output
    (said,) = json.loads(found.output)
    assert (said["same"], said["edition"], said["is_sealed"]) == (False, "2026", True)
    wrong = {item["division_code"]: item["columns"]["value"] for item in said["differences"]}
    shown = float(retail(lake.home, 3))
    assert wrong[DISTRICT] == [shown, 2 * shown]
    assert said["verdict"] == f"{said['rows']} 个数值中有 {len(wrong)} 个不一致"


def test_what_cannot_be_rebuilt_says_why(lake: Lake) -> None:
    with pytest.raises(UsageError, match="no publication 9; there are: 1 to 3"):
        rebuild(lake, 9)
    with pytest.raises(UsageError, match=r"publication 2 shows no indicator 'nonsense'; it shows: .*online_retail"):
        rebuild(lake, 2, "nonsense")
