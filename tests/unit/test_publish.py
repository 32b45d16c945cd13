"""Publications from small real Delta tables: what is in them, what is kept back, and that a kill leaves no half."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import os
import re
import signal
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from agrilake.catalog.catalogue import CATALOGUE_SCHEMAS
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Column, Dataset, Frequency, Load, LogicalType, Privacy
from agrilake.contract.settings import BY_TOKEN, load_settings
from agrilake.errors import ConsistencyError, UsageError
from agrilake.indicators.model import Measure
from agrilake.intake.values import silver_type
from agrilake.lake.failpoints import PUBLICATION_POINTS, VARIABLE
from agrilake.lake.state import Delivery, State
from agrilake.paths import Home
from agrilake.publish import FORMAT, Publication, current_publication, open_publication, publications, publish
from agrilake.publish.guard import refuse_identifiers
from agrilake.publish.metadata import masked_file_name
from agrilake.publish.model import ROLES
from agrilake.publish.records import records

DEPARTMENTS = {name: load_settings().departments[name] for name in ("postal", "civil")}
SETTINGS = dataclasses.replace(load_settings(), departments=DEPARTMENTS, person_rows=BY_TOKEN)
COUNTY = SETTINGS.district_code
VILLAGE = COUNTY[:6] + "100200"
TOWN = COUNTY[:6] + "100000"
MADE_UP_ID = "500112199001011237"  # made here, nobody's
MADE_UP_PHONE = "13900000001"
TOKEN = "k1:" + "0a" * 16
TOKEN_OF_A_PUBLICATION = re.compile("y[0-9]{4}-[0-9a-f]{20}")
RESOURCES = {"catalogue": [{"dataset": "postal_site", "title": "三级寄递节点", "overdue": False}]}
CATALOGUE = {name: pa.Table.from_pylist(RESOURCES.get(name, []), schema) for name, schema in CATALOGUE_SCHEMAS.items()}


def table(name: str, *columns: Column, published: tuple[str, ...] = ("leader", "analyst"), **more: Any) -> Dataset:
    base = (name, "gold", f"《{name}》", "", "1.0.0", "active", Load.SNAPSHOT, Frequency.MONTH)
    return Dataset(*base, columns, Path(f"{name}.yaml"), published=published, **more)


def column(name: str, title: str, kind: LogicalType = LogicalType.STRING, **more: Any) -> Column:
    return Column(name, title, "", kind, **more)


SITE = table(
    "service_site",
    column("site_no", "站点编号", primary_key=True),
    column("name", "名称"),
    column("area_mu", "面积", LogicalType.NUMBER, precision=18, scale=4),
    column("seen_at", "最近事件", LogicalType.TIMESTAMP),
    inputs=("postal_site",),
)
ELDER = table(
    "elder",
    column("elder_id", "老人编号", primary_key=True),
    column("id_no", "身份证号", pii="id_no", privacy=Privacy.PSEUDONYM),
    published=("analyst",),
)
POSTAL_SITE = dataclasses.replace(
    table("postal_site", column("site_no", "站点编号", primary_key=True)),
    department="postal",
    department_title="区邮政管理局",
    title="三级寄递节点",
)
VALUES = load_registry().gold["indicator_value"]
REGISTRY = Registry({"postal_site": POSTAL_SITE}, {"elder": ELDER, "indicator_value": VALUES, "service_site": SITE})


@dataclass(frozen=True)
class Indicator:
    id: str
    name: str
    unit: str = "%"
    decimals: int = 1
    direction: str = "up"
    owner: str = "postal"
    task: str = "7"
    description: str = ""
    formula: str = ""
    edition: str = "2024"
    sort: int = 10
    rests_on: tuple[str, ...] = ()
    derived_from: tuple[str, ...] = ()
    growth_years: int = 1
    measures: Mapping[str, Measure] = dataclasses.field(default_factory=dict)


INDICATORS = (Indicator("site_coverage", "站点覆盖率"), Indicator("parcels", "件数", unit="件", sort=20))
SEEN_AT = datetime(2024, 5, 1, 16, 30, tzinfo=UTC)
SITE_ROW = {"site_no": "S1", "name": "一站", "area_mu": Decimal("1.5"), "seen_at": SEEN_AT}


def write(home: Home, name: str, rows: list[dict[str, Any]], schema: Mapping[str, Any] | None = None) -> None:
    pl.DataFrame(rows, schema=schema).write_delta(str(home.table(*name.split("/"))), mode="overwrite")


def write_sites(home: Home, *rows: dict[str, Any]) -> None:
    kinds = {"site_no": pl.Utf8, "name": pl.Utf8, "area_mu": pl.Decimal(20, 6), "seen_at": pl.Datetime("us", "UTC")}
    write(home, "gold/service_site", [SITE_ROW | row for row in rows], kinds)


def indicator_value(indicator: str, period: str, value: Decimal | None, division: str = VILLAGE) -> dict[str, Any]:
    return {
        "indicator_id": indicator,
        "division_code": division,
        "division_level": "village",
        "township_code": TOWN,
        "period": period,
        "period_type": "month",
        "flag": "official" if value is not None else "missing",
        "missing_reason": None if value is not None else "缺少访问记录",
        "late": value is not None,
        "input_versions": json.dumps({"service_site": 0}),
    } | dict.fromkeys(("value", "numerator", "denominator"), value)


def write_values(home: Home, *rows: dict[str, Any]) -> None:
    write(home, "gold/indicator_value", list(rows), {item.name: silver_type(item) for item in VALUES.columns})


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Home, State]:
    """Two gold tables, two indicator values, the divisions, one delivery with a note in its file's name."""
    home = Home.at(tmp_path).prepare()
    state = State(home.state_file)
    write_sites(home, {})
    write(home, "gold/elder", [{"elder_id": "E1", "id_no": TOKEN}])
    write_values(
        home,
        indicator_value("parcels", "2024-05", None),
        indicator_value("site_coverage", "2024-05", Decimal("50")),
        indicator_value("withdrawn", "2024-05", Decimal("1")),
    )
    divisions = [(COUNTY, "某区"), (TOWN, "某镇"), (VILLAGE, "旧名村"), (VILLAGE, "某村")]
    rows = [{"code": code, "name": name, "_period": str(2020 + i)} for i, (code, name) in enumerate(divisions)]
    write(home, "silver/stats_division", rows)
    state.record_delivery(
        Delivery(
            id="ab12",
            dataset="postal_site",
            department="postal",
            period="2024-05",
            file_name="三级寄递节点__2024-05__张三报.CSV",
            sha256="0",
            bytes=1,
            status="accepted",
            records=2,
            accepted=2,
        )
    )
    return home, state


def run(
    lake: tuple[Home, State],
    held: Mapping[str, str] | None = None,
    registry: Registry = REGISTRY,
    indicators: tuple[Indicator, ...] = (),
) -> Publication:
    """Record the lake as it is and publish it, as a run does."""
    home, state = lake
    found = {}
    for name in (
        "gold/service_site",
        "gold/elder",
        "gold/indicator_value",
        "silver/stats_division",
        "silver/postal_site",
    ):
        path = home.table(*name.split("/"))
        if path.exists():
            found[name] = int(pl.read_delta(str(path)).height and _version(path))
    state.record_lake_version(found)
    return publish(home, registry, SETTINGS, state, held or {}, indicators or INDICATORS, CATALOGUE)


def run_until(root: Path, point: str) -> None:
    """In a process of its own: publish, and die at the point."""
    os.environ[VARIABLE] = point
    home = Home.at(root)
    run((home, State(home.state_file)))


def _version(path: Path) -> int:
    return len(list((path / "_delta_log").glob("*.json"))) - 1


def rows(home: Home, role: str, sql: str) -> list[tuple[Any, ...]]:
    connection = open_publication(home, role)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_gold_is_published_in_declared_types_with_titles(lake: tuple[Home, State]) -> None:
    home, _ = lake
    published = run(lake)
    assert published.version == 1
    assert rows(home, "leader", "SELECT * FROM service_site") == [
        ("S1", "一站", Decimal("1.5000"), datetime.fromisoformat("2024-05-02T00:30"))  # the district's clock
    ]
    titles = rows(home, "leader", "SELECT comment FROM duckdb_columns() WHERE table_name = 'service_site'")
    assert titles == [("站点编号",), ("名称",), ("面积",), ("最近事件",)]
    assert rows(home, "leader", "SELECT version, district_code FROM publication") == [(1, COUNTY)]


def test_indicator_values_carry_names_sources_and_freshness(lake: tuple[Home, State]) -> None:
    home, _ = lake
    run(lake)
    source = "区邮政管理局《三级寄递节点》"
    wanted = "indicator_name, unit, division_name, township_name, period_start, value, flag, late, source, fresh_until"
    assert rows(home, "leader", f"SELECT {wanted} FROM indicator_value ORDER BY indicator_id DESC") == [
        ("站点覆盖率", "%", "某村", "某镇", date(2024, 5, 1), Decimal("50"), "official", True, source, "2024-05"),
        ("件数", "件", "某村", "某镇", date(2024, 5, 1), None, "missing", False, source, "2024-05"),
    ]


def test_the_source_is_what_the_indicators_own_measures_rest_on(lake: tuple[Home, State]) -> None:
    """A wide table has many inputs; a number that was counted from one of them names that one alone."""
    home, _ = lake
    roads = dataclasses.replace(POSTAL_SITE, id="postal_route", title="投递路线")
    wide = dataclasses.replace(SITE, inputs=("postal_site", "postal_route"))
    registry = Registry({"postal_site": POSTAL_SITE, "postal_route": roads}, {**REGISTRY.gold, "service_site": wide})
    named = (dataclasses.replace(INDICATORS[0], rests_on=("postal_route",)), INDICATORS[1])
    run(lake, registry=registry, indicators=named)
    sources = dict(rows(home, "leader", "SELECT DISTINCT indicator_name, source FROM indicator_value"))
    assert sources == {
        "站点覆盖率": "区邮政管理局《投递路线》",
        "件数": "区邮政管理局《投递路线》、区邮政管理局《三级寄递节点》",
    }


def test_a_derived_indicator_names_the_sources_of_what_it_is_made_from(lake: tuple[Home, State]) -> None:
    home, _ = lake
    roads = dataclasses.replace(POSTAL_SITE, id="postal_route", title="投递路线")
    wide = dataclasses.replace(SITE, inputs=("postal_site", "postal_route"))
    registry = Registry({"postal_site": POSTAL_SITE, "postal_route": roads}, {**REGISTRY.gold, "service_site": wide})
    base = dataclasses.replace(INDICATORS[0], rests_on=("postal_route",))
    derived = dataclasses.replace(INDICATORS[1], derived_from=("site_coverage",))
    run(lake, registry=registry, indicators=(base, derived))
    sources = dict(rows(home, "leader", "SELECT DISTINCT indicator_name, source FROM indicator_value"))
    assert sources["件数"] == sources["站点覆盖率"] == "区邮政管理局《投递路线》"


def test_an_indicator_names_its_owner(lake: tuple[Home, State]) -> None:
    home, _ = lake
    run(lake)
    shown = rows(home, "leader", "SELECT id, owner, task FROM indicator ORDER BY sort")
    owner = SETTINGS.departments["postal"]
    assert shown == [("site_coverage", owner, "7"), ("parcels", owner, "7")]


def test_the_leader_sees_neither_tokens_nor_notes_in_file_names(lake: tuple[Home, State]) -> None:
    home, _ = lake
    published = run(lake)
    assert rows(home, "leader", "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'elder'") == [(0,)]
    told = rows(home, "analyst", "SELECT elder_id, id_no FROM elder")[0]
    assert all(TOKEN_OF_A_PUBLICATION.fullmatch(value) for value in told)
    assert TOKEN.encode() not in published.database("analyst").read_bytes()
    assert rows(home, "leader", "SELECT file_name_masked FROM delivery") == [("postal_site__2024-05__….csv",)]
    assert "张三".encode() not in published.database("leader").read_bytes()
    assert stat.S_IMODE(published.database("leader").stat().st_mode) == 0o600
    assert stat.S_IMODE(published.database("analyst").stat().st_mode) == 0o600


def test_analysts_see_what_a_department_sent_without_any_person(lake: tuple[Home, State]) -> None:
    home, _ = lake
    sent = dataclasses.replace(
        POSTAL_SITE,
        columns=(
            column("site_no", "站点编号", primary_key=True),
            column("note", "备注"),
            column("opened_on", "开办日期", LogicalType.DATE),
            column("id_no", "收款卡号", pii="bank_card", privacy=Privacy.PSEUDONYM),
        ),
    )
    written = f"找老张{MADE_UP_PHONE}，证号{MADE_UP_ID}"
    way_back = {"_period": "2024-05", "_delivery_id": "d1", "_sheet": "表一", "_line": 7}
    write(home, "silver/postal_site", [{"site_no": "S1", "note": written, "id_no": TOKEN} | way_back])
    published = run(lake, registry=dataclasses.replace(REGISTRY, datasets={"postal_site": sent}))
    assert rows(home, "analyst", "SELECT * FROM postal_site") == [
        ("S1", "找老张（号码已遮盖），证号（号码已遮盖）", None, "2024-05", "d1", "表一", 7)
    ]
    titles = "SELECT comment FROM duckdb_columns() WHERE table_name = 'postal_site' ORDER BY column_index"
    assert rows(home, "analyst", titles)[:2] == [("站点编号",), ("备注",)]
    assert rows(home, "leader", "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'postal_site'") == [(0,)]
    assert TOKEN.encode() not in published.database("leader").read_bytes()


def test_a_file_of_no_known_dataset_shows_its_ending_alone() -> None:
    unknown = Delivery("a", "", "postal", "", "张三的表.xlsx", "0", 1, "refused")
    assert masked_file_name(unknown) == "….xlsx"


@pytest.mark.parametrize("value", [MADE_UP_ID, f"电话{MADE_UP_PHONE}。", TOKEN])
def test_an_identifier_stops_the_publication_and_is_not_quoted(lake: tuple[Home, State], value: str) -> None:
    home, _ = lake
    run(lake)
    write_sites(home, {"name": value})
    with pytest.raises(ConsistencyError, match=r"service_site\.name") as error:
        run(lake)
    assert value not in str(error.value)
    assert rows(home, "leader", "SELECT name FROM service_site") == [("一站",)]


def test_what_only_looks_like_an_identifier_passes(lake: tuple[Home, State]) -> None:
    home, _ = lake
    codes = {"site_no": "H50011210001", "name": "915001199001010022"}  # a registration code shaped like an id
    write_sites(home, codes)
    run(lake)
    assert rows(home, "leader", "SELECT name FROM service_site") == [(codes["name"],)]


def test_a_personal_column_cannot_be_declared_for_the_leader(lake: tuple[Home, State]) -> None:
    registry = Registry({}, {"elder": dataclasses.replace(ELDER, published=("leader",))})
    with pytest.raises(ConsistencyError, match=r"elder\.yaml: id_no is personal"):
        run(lake, registry=registry)


def test_the_same_lake_is_the_same_publication(lake: tuple[Home, State]) -> None:
    home, _ = lake
    first = run(lake)
    before = first.database("leader").stat().st_mtime_ns
    assert run(lake).version == first.version
    assert first.database("leader").stat().st_mtime_ns == before
    write_sites(home, {"name": "二站"})
    assert run(lake).version == first.version + 1


def test_a_held_table_stays_as_it_was_and_says_why(lake: tuple[Home, State]) -> None:
    home, _ = lake
    run(lake)
    write_sites(home, {"name": "不可信"})
    for version in (2, 3):
        write(home, "gold/elder", [{"elder_id": f"E{number}", "id_no": TOKEN} for number in range(version)])
        published = run(lake, {"service_site": "“三级寄递节点”质量检查未通过"})
        assert published.version == version
        assert published.held == {"service_site": "“三级寄递节点”质量检查未通过"}
        assert rows(home, "leader", "SELECT name FROM service_site") == [("一站",)]
        assert rows(home, "analyst", "SELECT count(DISTINCT elder_id) FROM elder") == [(version,)]
        shown = "SELECT held, reason, since_version, shown_version FROM held_table WHERE \"table\" = 'service_site'"
        assert rows(home, "leader", shown) == [(True, "“三级寄递节点”质量检查未通过", 2, 1)]
    run(lake)
    assert rows(home, "leader", "SELECT name FROM service_site") == [("不可信",)]
    assert rows(home, "leader", "SELECT count(*) FROM held_table WHERE held") == [(0,)]


def test_a_table_held_from_the_start_is_empty(lake: tuple[Home, State]) -> None:
    home, _ = lake
    run(lake, {"service_site": "质量检查未通过"})
    assert rows(home, "leader", "SELECT count(*) FROM service_site") == [(0,)]
    shown = "SELECT held, since_version, shown_version FROM held_table WHERE \"table\" = 'service_site'"
    assert rows(home, "leader", shown) == [(True, 1, None)]


FINDING = {
    "dataset": "postal_site",
    "period": "2024-05",
    "delivery_id": "ab12",
    "line": 7,
    "sheet": None,
    "column": "site_no",
    "column_title": "站点编号",
    "rule": "required",
    "reason": f"“站点编号”填的是“{MADE_UP_PHONE}”",
    "severity": "error",
}
QUARANTINED = "SELECT title, department, rule, reason, count FROM quarantine_summary ORDER BY rule"


def quarantine(home: Home, *findings: dict[str, Any]) -> None:
    kinds = {name: pl.Int64 if name == "line" else pl.Utf8 for name in FINDING}
    rows = [FINDING | finding for finding in findings]
    pl.DataFrame(rows, schema=kinds).write_delta(str(home.table("quarantine")), mode="overwrite")


def mend(lake: tuple[Home, State], name: str, mends: str, *lines: tuple[int, str | None]) -> None:
    """A delivery that mends lines (with their sheet) of another: recorded, and its places in bronze."""
    home, state = lake
    state.record_delivery(
        Delivery(name, "postal_site", "postal", "2024-05", "x.csv", name, 1, "partial", kind="mend", mends=mends)
    )
    places = {"_delivery_id": pl.Utf8, "_origin_line": pl.Int64, "_origin_sheet": pl.Utf8}
    rows = [(name, line, sheet) for line, sheet in lines]
    frame = pl.DataFrame(rows, schema=places, orient="row")
    frame.write_delta(str(home.table("bronze", "postal_site")), mode="append")


def test_quarantine_is_counted_by_rule_without_any_cell(lake: tuple[Home, State]) -> None:
    home, _ = lake
    quarantine(home, {}, {"column": "name"}, {"line": 8}, {"severity": "warn"}, {"line": 9, "rule": "longitude"})
    run(lake)
    assert rows(home, "leader", QUARANTINED) == [
        ("三级寄递节点", "区邮政管理局", "longitude", "经度不在本区", 1),
        ("三级寄递节点", "区邮政管理局", "required", "必填项没有填", 2),
    ]


def test_a_department_has_its_own_and_nothing_of_others(lake: tuple[Home, State]) -> None:
    home, state = lake
    state.record_delivery(Delivery("cd34", "civil_elder", "civil", "2024-05", "elders.csv", "s", 9, "partial"))
    quarantine(home, {}, {"line": 8}, {"dataset": "civil_elder", "delivery_id": "cd34"})
    run(lake)
    own = rows(home, "department/postal", "SELECT DISTINCT dataset, department FROM quarantine_finding")
    assert own == [("postal_site", "区邮政管理局")]
    assert rows(home, "department/postal", "SELECT DISTINCT dataset FROM delivery") == [("postal_site",)]
    assert rows(home, "department/postal", "SELECT line, column_title, problem FROM quarantine_finding") == [
        (7, "站点编号", "必填项没有填"),
        (8, "站点编号", "必填项没有填"),
    ]
    named = "SELECT count(*) FROM duckdb_tables() WHERE table_name = ?"
    for role, table, there in (
        ("department/postal", "postal_site", True),
        ("department/civil", "postal_site", False),
        ("department/postal", "elder", False),
        ("department/postal", "indicator_value", False),
        ("steward", "quarantine_finding", True),
        ("steward", "elder", False),
        ("steward", "postal_site", False),
        ("leader", "quarantine_finding", False),
    ):
        found = rows(home, role, named.replace("?", f"'{table}'"))
        assert found == [(int(there),)], (role, table)
    assert MADE_UP_PHONE.encode() not in (current_path(home) / "department" / "postal.duckdb").read_bytes()


def current_path(home: Home) -> Path:
    return (home.publications / "current").resolve()


def test_what_a_mend_took_up_is_not_in_quarantine_any_more(lake: tuple[Home, State]) -> None:
    """Line 7 was mended and accepted; line 8 was mended wrongly, so it waits once, for the mend's own reason."""
    home, _ = lake
    mend(lake, "m1", "ab12", (7, None), (8, None))
    quarantine(home, {}, {"line": 8}, {"line": 9}, {"delivery_id": "m1", "line": 2, "rule": "pattern"})
    run(lake)
    waiting = [(rule, count) for _, _, rule, _, count in rows(home, "leader", QUARANTINED)]
    assert waiting == [("pattern", 1), ("required", 1)]
    mend(lake, "m2", "m1", (2, None))
    run(lake)
    assert [(rule, count) for _, _, rule, _, count in rows(home, "leader", QUARANTINED)] == [("required", 1)]


def test_a_mend_of_one_sheet_leaves_the_other_sheets_lines(lake: tuple[Home, State]) -> None:
    home, _ = lake
    mend(lake, "m1", "ab12", (7, "表一"))
    quarantine(home, {"sheet": "表一"}, {"sheet": "表二"})
    run(lake)
    assert [count for *_, count in rows(home, "leader", QUARANTINED)] == [1]


def test_a_correction_takes_the_quarantine_of_what_it_replaces_with_it(lake: tuple[Home, State]) -> None:
    home, state = lake
    corrected = Delivery("cd34", "postal_site", "postal", "2024-05", "x.csv", "1", 1, "accepted", revision=1)
    state.record_delivery(corrected)
    quarantine(home, {}, {"line": 8})
    run(lake)
    assert rows(home, "leader", QUARANTINED) == []


def test_the_manifest_says_what_it_was_made_from(lake: tuple[Home, State]) -> None:
    home, _ = lake
    write_sites(home, {"site_no": "S2"}, {"site_no": "S3"})
    published = run(lake)
    manifest = json.loads((published.path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["lake_version"] == 1
    assert manifest["tables"]["service_site"]["delta_version"] == 1
    leader = manifest["files"]["leader.duckdb"]
    assert leader["sha256"] == hashlib.sha256(published.database("leader").read_bytes()).hexdigest()
    assert leader["tables"]["service_site"] == {"rows": 2}
    assert sorted(path.name for path in published.path.iterdir()) == [
        "analyst.duckdb",
        "catalogue.jsonld",
        "department",
        "hidden.json",
        "leader.duckdb",
        "manifest.json",
        "steward.duckdb",
    ]


def test_stored_data_that_does_not_fit_is_refused_without_quoting_it(lake: tuple[Home, State]) -> None:
    home, _ = lake
    path = home.table("gold", "service_site")
    frame = pl.read_delta(str(path)).with_columns(area_mu=pl.lit("很大"))
    frame.write_delta(str(path), mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    with pytest.raises(ConsistencyError, match="service_site") as error:
        run(lake)
    assert "很大" not in str(error.value)
    frame.drop("name").write_delta(str(path), mode="overwrite", delta_write_options={"schema_mode": "overwrite"})
    with pytest.raises(ConsistencyError, match="no column name"):
        run(lake)
    assert current_publication(home) is None


def test_a_departments_data_that_do_not_fit_are_refused_without_quoting_them(lake: tuple[Home, State]) -> None:
    home, _ = lake
    counted = dataclasses.replace(
        POSTAL_SITE,
        columns=(column("site_no", "站点编号", primary_key=True), column("staff", "人数", LogicalType.INTEGER)),
    )
    way_back = {"_period": "2024-05", "_delivery_id": "d1", "_sheet": "表一", "_line": 7}
    write(home, "silver/postal_site", [{"site_no": "S1", "staff": f"找{MADE_UP_PHONE}"} | way_back])
    with pytest.raises(ConsistencyError, match="silver/postal_site version 0") as refusal:
        run(lake, registry=dataclasses.replace(REGISTRY, datasets={"postal_site": counted}))
    assert MADE_UP_PHONE not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_the_last_five_are_kept_and_an_open_reader_keeps_its_version(lake: tuple[Home, State]) -> None:
    home, _ = lake
    run(lake)
    reader = open_publication(home, "leader")
    for number in range(6):
        write_sites(home, {"name": f"第{number}站"})
        run(lake)
    assert [item.version for item in publications(home)] == [3, 4, 5, 6, 7]
    assert reader.execute("SELECT name FROM service_site").fetchall() == [("一站",)]
    reader.close()
    assert rows(home, "leader", "SELECT name FROM service_site") == [("第5站",)]


@pytest.mark.parametrize("point", PUBLICATION_POINTS[1:])
def test_a_kill_leaves_the_old_or_the_new_and_the_next_run_ends_alike(lake: tuple[Home, State], point: str) -> None:
    home, _ = lake
    run(lake)
    write_sites(home, {"name": "二站"})
    child = multiprocessing.get_context("spawn").Process(target=run_until, args=(home.root, point))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    swapped = ("publication_swapped", "record_drafted", "publication_recorded")
    seen = "二站" if point in swapped else "一站"
    assert rows(home, "leader", "SELECT name FROM service_site") == [(seen,)]
    assert run(lake).version == 2
    assert rows(home, "leader", "SELECT name FROM service_site") == [("二站",)]
    assert sorted(path.name for path in home.publications.iterdir()) == ["000001", "000002", "current"]
    assert sorted(path.name for path in home.published.iterdir()) == ["000001", "000002"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine (a INT)",
        "DELETE FROM service_site",
        "SELECT * FROM read_csv('/etc/hostname')",
        "ATTACH 'other.duckdb'",
        "INSTALL spatial",
        "SET enable_external_access = true",
        "COPY service_site TO 'out.csv'",
    ],
)
def test_a_reader_can_change_nothing_and_reach_nothing(lake: tuple[Home, State], sql: str) -> None:
    home, _ = lake
    run(lake)
    connection = open_publication(home, "leader")
    with pytest.raises(duckdb.Error):
        connection.execute(sql)
    connection.close()


def test_before_the_first_publication_and_for_an_unknown_role_there_is_a_clear_error(lake: tuple[Home, State]) -> None:
    home, _ = lake
    with pytest.raises(UsageError, match="nothing is published"):
        open_publication(home)
    with pytest.raises(UsageError, match="no role"):
        open_publication(home, "visitor")


def test_tables_added_later_are_scanned_alone() -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE before AS SELECT '{MADE_UP_PHONE}' AS note")
        connection.execute("CREATE TABLE added AS SELECT '好' AS note")
        refuse_identifiers(connection, "leader", ["added"])
        connection.execute(f"INSERT INTO added VALUES ('{MADE_UP_PHONE}')")
        with pytest.raises(ConsistencyError, match=r"added\.note holds a mobile number in 1 rows"):
            refuse_identifiers(connection, "leader", ["added"])


def test_a_figure_that_changes_is_a_revision_for_good(lake: tuple[Home, State]) -> None:
    """In both roles' files of every publication from then on, also when those that made it have been retired."""
    gold = {**REGISTRY.gold, "indicator_revision": load_registry().gold["indicator_revision"]}
    registry = Registry(REGISTRY.datasets, gold)
    run(lake, registry=registry)
    for number in range(7):
        write_values(lake[0], indicator_value("site_coverage", "2024-05", Decimal(50 + number // 6)))
        assert run(lake, registry=registry).version == 2 + number
    columns = "value_before, value_after, published_before, published_after, division_name, unit"
    sql = f"SELECT {columns} FROM indicator_revision"
    wanted = [(Decimal(50), Decimal(51), 7, 8, "某村", "%")]
    assert rows(lake[0], "leader", sql) == rows(lake[0], "analyst", sql) == wanted
    assert [item.version for item in publications(lake[0])] == [4, 5, 6, 7, 8]
    assert [item.version for item in records(lake[0])] == list(range(1, 9))
    assert rows(lake[0], "leader", 'SELECT DISTINCT "table" FROM held_table WHERE "table" LIKE \'%revision\'') == []


def test_what_each_rule_found_is_published(lake: tuple[Home, State]) -> None:
    """One row a rule of the last run, counts alone; a dataset that is no longer declared is left out."""
    home, state = lake
    held = {"expectation": "e", "column": "name", "title": "名称", "severity": "stop", "success": True}
    failed = {"expectation": "e", "column": None, "title": "", "severity": "warn", "success": False}
    counts = {"unexpected_count": 3, "element_count": 40, "broken": False}
    results = [{**held, **counts, "description": "“名称”不为空"}, {**failed, **counts, "description": "行数没有减少"}]
    state.record_suite("postal_site", 7, "warn", results)
    broken = {**failed, **counts, "unexpected_count": None, "description": "停靠的是现有的村", "broken": True}
    state.record_suite("cross_table", 1, "stop", [broken])
    state.record_suite("no_longer_declared", 1, "warn", results)
    first = run(lake)
    assert first.format == FORMAT
    asked = "SELECT suite, title, rule, decision, failed_rows, checked_rows, version FROM check_result ORDER BY ALL"
    for role in ROLES:
        assert rows(home, role, asked) == [
            ("cross_table", "跨表规则", "停靠的是现有的村", "stop", None, 40, 1),
            ("dataset", REGISTRY.get("postal_site").title, "“名称”不为空", "pass", 3, 40, 7),
            ("dataset", REGISTRY.get("postal_site").title, "行数没有减少", "warn", 3, 40, 7),
        ]
    state.record_suite("cross_table", 1, "stop", [broken])
    assert run(lake).version == first.version, "the same findings at another time are the same publication"
    state.record_suite("cross_table", 1, "pass", [{**broken, "success": True, "broken": False}])
    assert run(lake).version == first.version + 1
