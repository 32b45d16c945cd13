"""Suites on small real Delta tables: what passes, what warns, what stops, and that no value ever comes out."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from agrilake.contract.load import load_registry
from agrilake.contract.model import (
    Check,
    Column,
    Dataset,
    EnumValue,
    Frequency,
    Load,
    LogicalType,
    Privacy,
    Reference,
)
from agrilake.contract.settings import load_settings
from agrilake.errors import ContractError, UsageError
from agrilake.paths import Home, project_root
from agrilake.suites import SuiteResult, build_suite, quality_folder, validate, write_suites
from agrilake.suites.files import suite_texts

SETTINGS = load_settings()
VILLAGE = SETTINGS.district_code[:6] + "100200"
MADE_UP_ID = "500112199001011237"  # made here, nobody's
TOKEN = "k1:" + "0a" * 16
CREDIT_CODE = "91500112MA5U00000E"


def text(name: str, title: str, **more: Any) -> Column:
    return Column(name, title, "", LogicalType.STRING, **more)


COLUMNS = (
    text("farm_id", "农场编号", required=True, primary_key=True, pattern="F[0-9]{3}"),
    text("division_code", "所在村", required=True, division_level="village"),
    text("owner_id_no", "负责人身份证号", pii="id_no", privacy=Privacy.PSEUDONYM, checks=(Check("resident_id"),)),
    text("owner_name", "负责人", required=True, pii="name", privacy=Privacy.DROP),
    text("kind", "类型", required=True, enum=(EnumValue("crop", "种植"), EnumValue("fish", "养殖"))),
    text("soil", "土壤", required=True, required_since="2024-07"),
    text("site_no", "站点编号", reference=Reference("agri_site", "site_no")),
    Column("area_mu", "面积", "", LogicalType.NUMBER, precision=18, scale=4, unit="亩", minimum=0, maximum=1000),
    Column("built_on", "建成日期", "", LogicalType.DATE, checks=(Check("not_future", "warn"),)),
    Column("opened_on", "投产日期", "", LogicalType.DATE, checks=(Check("not_before", "warn", {"other": "built_on"}),)),
)
FARM = Dataset(
    "agri_farm",
    "agri",
    "农场",
    "",
    "1.0.0",
    "active",
    Load.UPSERT,
    Frequency.MONTH,
    COLUMNS,
    Path("farm.yaml"),
    checks=(Check("rowCount", "stop", {"mustBeGreaterThan": 0}),),
)
GOOD = [
    {"farm_id": f"F{number:03}", "area_mu": 10.5, "kind": "crop", "site_no": "S1"}
    | {"division_code": VILLAGE, "owner_id_no": TOKEN, "built_on": date(2024, 5, 1), "opened_on": date(2024, 5, 2)}
    for number in range(10)
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home where the divisions have arrived."""
    home = Home.at(tmp_path).prepare()
    divisions = pl.DataFrame({"code": [SETTINGS.district_code, VILLAGE]})
    divisions.write_delta(str(home.table("silver", "stats_division")))
    return home


def store(home: Home, rows: list[dict[str, Any]], dataset: Dataset = FARM) -> None:
    """Write the rows as the dataset's next silver version."""
    kinds: dict[str, Any] = {
        LogicalType.STRING: pl.Utf8,
        LogicalType.NUMBER: pl.Decimal(18, 4),
        LogicalType.DATE: pl.Date,
    }
    schema = {column.name: kinds[column.type] for column in dataset.silver_columns}
    lineage = {"_delivery_id": pl.Utf8, "_line": pl.Int64, "_sheet": pl.Utf8, "_period": pl.Utf8}
    filled = [
        {"_delivery_id": "ab12", "_line": line, "_sheet": None, "_period": "2024-05"} | row
        for line, row in enumerate(rows, start=2)
    ]
    path = home.table("silver", dataset.id)
    pl.DataFrame(filled, schema=schema | lineage).write_delta(str(path), mode="overwrite")


def changed(index: int = 0, **values: Any) -> list[dict[str, Any]]:
    """The good rows with one of them changed."""
    return [{**row, **values} if number == index else row for number, row in enumerate(GOOD)]


def failures(result: SuiteResult) -> list[tuple[str | None, str, int | None]]:
    return [(item.column, item.severity, item.unexpected_count) for item in result.failed]


def test_a_good_table_passes_and_has_a_page(home: Home) -> None:
    store(home, GOOD)
    result = validate(home, FARM, SETTINGS)
    assert (result.decision, result.version, result.rows, result.engine) == ("pass", 0, 10, "pandas")
    assert [item for item in result.results if item.broken] == []
    page = (quality_folder(home) / "agri_farm.html").read_text(encoding="utf-8")
    assert "“面积”在 0 到 1000 之间（亩）" in page
    index = (quality_folder(home) / "index.html").read_text(encoding="utf-8")
    assert 'href="agri_farm.html"' in index
    for offline in (page, index):
        assert "http" not in offline and "<script" not in offline


@pytest.mark.parametrize(
    ("rows", "decision", "expected"),
    [
        (changed(farm_id="F001"), "stop", ("farm_id", "stop", 2)),
        (changed(kind=None), "stop", ("kind", "stop", 1)),
        (changed(kind="bees"), "stop", ("kind", "stop", 1)),
        (changed(division_code="999999100200"), "stop", ("division_code", "stop", 1)),
        (changed(division_code=SETTINGS.district_code), "stop", ("division_code", "stop", 1)),
        (changed(owner_id_no=MADE_UP_ID), "stop", ("owner_id_no", "stop", 1)),
        (changed(_period="2024-07"), "stop", ("soil", "stop", 1)),
        (changed(_delivery_id=None), "stop", ("_delivery_id", "stop", 1)),
        (changed(area_mu=1000.5), "warn", ("area_mu", "warn", 1)),
        (changed(farm_id="F1"), "warn", ("farm_id", "warn", 1)),
        (changed(built_on=date(2024, 6, 1), opened_on=None), "warn", ("built_on", "warn", 1)),
        (changed(opened_on=date(2024, 4, 30)), "warn", ("opened_on", "warn", 1)),
        ([], "stop", (None, "stop", None)),
    ],
)
def test_what_is_wrong_warns_or_stops(
    home: Home, rows: list[dict[str, Any]], decision: str, expected: tuple[str | None, str, int | None]
) -> None:
    store(home, rows)
    result = validate(home, FARM, SETTINGS)
    assert result.decision == decision
    assert failures(result) == [expected]


def test_a_date_is_judged_by_the_period_of_its_own_delivery(home: Home) -> None:
    late = {"built_on": date(2024, 6, 15), "opened_on": None}
    store(home, changed(_period="2024-06", **late))
    assert validate(home, FARM, SETTINGS).decision == "pass"


def test_a_loss_of_more_than_half_the_rows_warns(home: Home) -> None:
    store(home, GOOD)
    store(home, GOOD[:5])
    assert validate(home, FARM, SETTINGS).decision == "pass"
    store(home, GOOD[:2])
    result = validate(home, FARM, SETTINGS)
    assert result.decision == "warn"
    assert result.failed[0].description == "行数没有比上一版大幅减少"
    assert validate(home, FARM, SETTINGS, version=0).decision == "pass"


def test_a_missing_column_stops_as_nothing_is_known_of_it(home: Home) -> None:
    store(home, GOOD)
    path = home.table("silver", FARM.id)
    frame = pl.read_delta(str(path)).drop("area_mu")
    frame.write_delta(str(path), mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    result = validate(home, FARM, SETTINGS)
    assert result.decision == "stop"
    assert [(item.column, item.broken) for item in result.failed] == [(None, False), ("area_mu", True)]


def test_references_warn_once_the_other_table_is_there(home: Home) -> None:
    store(home, changed(site_no="S9"))
    before = validate(home, FARM, SETTINGS)
    assert before.decision == "pass"
    assert before.skipped == ("“站点编号”在 agri_site 中找得到",)
    pl.DataFrame({"site_no": ["S1"]}).write_delta(str(home.table("silver", "agri_site")))
    after = validate(home, FARM, SETTINGS)
    assert (after.decision, failures(after), after.skipped) == ("warn", [("site_no", "warn", 1)], ())


def test_a_snapshot_holds_each_key_once_a_period(home: Home) -> None:
    snapshot = Dataset(**{**vars(FARM), "load": Load.SNAPSHOT})
    store(home, [*GOOD, {**GOOD[0], "_period": "2024-06"}], snapshot)
    assert validate(home, snapshot, SETTINGS).decision == "pass"
    store(home, [*GOOD, GOOD[0]], snapshot)
    assert validate(home, snapshot, SETTINGS).decision == "stop"


def test_no_value_reaches_results_pages_or_logs(
    home: Home, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = [MADE_UP_ID, "T0PSECRET", "张三李四", CREDIT_CODE]
    # an id where a token belongs, a value in each open column, and a type that makes a check itself fail
    store(home, changed(owner_id_no=planted[0], kind=planted[1], farm_id=planted[2], division_code=planted[3]))
    path = home.table("silver", FARM.id)
    frame = pl.read_delta(str(path)).with_columns(area_mu=pl.lit(planted[2]))
    frame.write_delta(str(path), mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    result = validate(home, FARM, SETTINGS)
    assert result.decision == "stop"
    assert any(item.broken for item in result.results)
    written = json.dumps(result.as_rows(), ensure_ascii=False) + repr(result) + result.reason
    written += "".join(file.read_text(encoding="utf-8") for file in quality_folder(home).glob("*.*"))
    out = capfd.readouterr()
    for value in planted:
        assert value not in written
        assert value not in caplog.text + out.out + out.err


def test_the_reason_names_the_table_and_what_stopped_it_first(home: Home) -> None:
    store(home, changed(area_mu=5000, kind=None))
    assert (
        validate(home, FARM, SETTINGS).reason
        == "《农场》：“类型”不为空（1 行不符合）；“面积”在 0 到 1000 之间（亩）（1 行不符合）"
    )


def test_an_unknown_check_is_refused_when_the_suite_is_made() -> None:
    broken = Dataset(**{**vars(FARM), "checks": (Check("no_such_check"),)})
    with pytest.raises(ContractError, match="no_such_check"):
        build_suite(broken)


def test_a_table_that_is_not_there_is_said_so(home: Home) -> None:
    with pytest.raises(UsageError, match="silver/agri_farm"):
        validate(home, FARM, SETTINGS)


def test_great_expectations_reads_every_suite_as_written(tmp_path: Path) -> None:
    from great_expectations import ExpectationSuite

    from agrilake.suites import expectations as _registered  # noqa: F401

    for path in write_suites(load_registry(), tmp_path):
        document = json.loads(path.read_text(encoding="utf-8"))
        suite = ExpectationSuite(**document)
        assert len(suite.expectations) == len(document["expectations"]) > 0
        assert {item.expectation_type for item in suite.expectations} == {
            item["type"] for item in document["expectations"]
        }


def test_the_committed_suites_are_those_of_the_contracts() -> None:
    committed = {
        path.name: path.read_text(encoding="utf-8") for path in (project_root() / "expectations").glob("*.json")
    }
    assert committed == suite_texts(load_registry((project_root() / "schemas",))), "run: agrilake generate"


@pytest.mark.spark
@pytest.mark.slow
def test_spark_and_pandas_come_to_the_same_results(home: Home, spark_remote: str) -> None:
    from agrilake.services.spark import connect

    pl.DataFrame({"site_no": ["S2"]}).write_delta(str(home.table("silver", "agri_site")))
    store(home, changed(area_mu=5000, opened_on=date(2024, 4, 1), division_code="999999100200"))
    pandas = validate(home, FARM, SETTINGS)
    spark = validate(home, FARM, SETTINGS, spark=lambda: connect(home.root), large_rows=5)
    assert (pandas.engine, spark.engine) == ("pandas", "spark")
    assert pandas.results == spark.results


def test_codes_of_civil_affairs_count_as_those_of_the_division(home: Home) -> None:
    """A parcel numbered in the other system is right in the suite as it was at the intake, by the newest crosswalk."""
    columns = (
        text("parcel_code", "地块编码", checks=(Check("within_division", arguments={"other": "division_code"}),)),
        text("division_code", "所在村"),
    )
    parcel = replace(FARM, id="agri_parcel", columns=columns)
    other = VILLAGE[:9] + "250"
    crosswalk = [(other, VILLAGE[:9] + "299", "2023"), (other, VILLAGE, "2024")]
    names = ["civil_code", "statistics_code", "_period"]
    table = home.table("silver", "stats_division_crosswalk")
    pl.DataFrame(crosswalk, schema=names, orient="row").write_delta(str(table))
    rows = [(f"{start}0300012", VILLAGE, "d", 1, None, "2024-01") for start in (VILLAGE, other, VILLAGE[:9] + "251")]
    schema = {"parcel_code": pl.String, "division_code": pl.String, "_delivery_id": pl.String, "_line": pl.Int64}
    schema |= {"_sheet": pl.String, "_period": pl.String}
    pl.DataFrame(rows, schema=schema, orient="row").write_delta(str(home.table("silver", "agri_parcel")))
    result = validate(home, parcel, SETTINGS)
    failed = [(item.description, item.unexpected_count) for item in result.failed]
    assert failed == [("“地块编码”、“所在村”：编码与所在村一致", 1)]
