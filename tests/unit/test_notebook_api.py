"""The lake in a notebook, over real Delta tables: SQL, dictionary on display, earlier states, indicators."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from agrilake.catalog.pages import table_html
from agrilake.errors import UsageError
from agrilake.indicators.load import load_indicators
from agrilake.lake.files import table_version
from agrilake.lake.state import State
from agrilake.notebook import OpenLake, open_lake, use_chinese_fonts
from agrilake.paths import Home

INDICATOR = "online_retail_amount"
DIVISIONS = [
    ("500112000000", "甲区", "district", None),
    ("500112101000", "乙镇", "township", "乙镇"),
    ("500112101201", "丙村", "village", "乙镇"),
]
COLUMNS = ("indicator_id", "division_code", "division_level", "township_code", "period", "value", "numerator")
MORE = (
    "denominator",
    "flag",
    "missing_reason",
    "previous_year_value",
    "yoy",
    "input_versions",
    "late",
    "note",
    "period_type",
)


def values(amount: str) -> pl.DataFrame:
    """One month of one indicator: district and township with the amount, the village without a value."""
    rows = [
        (INDICATOR, code, level, None, "2024-05", None if level == "village" else amount, None, None)
        + (("missing", "无报送") if level == "village" else ("official", None))
        + (None, None, "{}", False, None, "month")
        for code, _, level, _ in DIVISIONS
    ]
    number = pl.Decimal(24, 6)
    amounts = ("value", "numerator", "denominator", "previous_year_value", "yoy")
    schema = dict.fromkeys((*COLUMNS, *MORE), pl.String) | {"late": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(amounts).cast(number))


def put(home: Home, name: str, frame: pl.DataFrame) -> None:
    path = home.table("gold", name)
    path.mkdir(parents=True, exist_ok=True)
    write_deltalake(str(path), frame.to_arrow(), mode="overwrite")


def record(home: Home, *names: str) -> int:
    tables = {f"gold/{name}": table_version(home.table("gold", name)) or 0 for name in names}
    return State(home.state_file).record_lake_version(tables).version


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A lake of three versions: divisions alone, then values, then corrected values."""
    home = Home.at(tmp_path_factory.mktemp("lake")).prepare()
    names = ("division_code", "name", "level", "township_name")
    put(home, "division", pl.DataFrame(DIVISIONS, schema=dict.fromkeys(names, pl.String), orient="row"))
    record(home, "division")
    put(home, "indicator_value", values("100.5"))
    record(home, "division", "indicator_value")
    put(home, "indicator_value", values("120.25"))
    record(home, "division", "indicator_value")
    return home


@pytest.fixture
def lake(home: Home) -> OpenLake:
    return open_lake(home.root)


def test_sql_gives_pandas_with_numbers_to_calculate_with(lake: OpenLake) -> None:
    frame = lake.sql("SELECT division_code, value FROM gold.indicator_value WHERE value IS NOT NULL")
    assert frame["value"].dtype == "float64"
    assert frame["value"].sum() == 240.5


def test_a_wrong_query_says_what_is_there(lake: OpenLake) -> None:
    with pytest.raises(UsageError, match="division"):
        lake.sql("SELECT * FROM gold.nothing")


def test_tables_are_listed_with_titles_and_versions(lake: OpenLake) -> None:
    listed = lake.tables().set_index("表")
    assert listed.loc["gold.division", "名称"] == "行政区划"
    assert listed.loc["gold.division", "版本"] == 0
    assert listed.loc["silver.agri_farm_household", "部门或主题"] == "区农业农村委"
    assert listed["版本"].isna()["silver.agri_farm_household"]  # nothing has arrived


@pytest.mark.parametrize("name", ["silver.agri_farm_household", "agri_farm_household", "silver.农户"])
def test_a_table_displays_its_dictionary(lake: OpenLake, name: str) -> None:
    shown = lake.table(name)._repr_html_()
    for expected in ("农户", "silver.agri_farm_household", "家庭人口", "1 至 30 人", "每月，期末后 10 日内"):
        assert expected in shown
    assert "<script" not in shown


def test_a_table_gives_its_rows_under_names_or_titles(lake: OpenLake) -> None:
    table = lake.table("gold.division")
    assert list(table.frame(limit=1)["name"]) == ["甲区"]
    assert "名称" in table.titled().columns
    assert table.dictionary().set_index("列名").loc["name", "列"] == "名称"


@pytest.mark.parametrize("name", ["gold.nothing", "bronze.agri_farm_household", "nothing"])
def test_an_unknown_table_is_an_error(lake: OpenLake, name: str) -> None:
    with pytest.raises(UsageError):
        lake.table(name)


def test_an_indicator_has_chinese_names_and_keeps_missing_values(lake: OpenLake) -> None:
    declared = next(item for item in load_indicators() if item.id == INDICATOR)
    frame = lake.indicator(INDICATOR, period="2024-05").set_index("区划")
    assert frame.loc["乙镇", "数值"] == 120.25
    assert frame.loc["丙村", "镇街"] == "乙镇"
    assert frame["数值"].isna()["丙村"]
    assert frame.loc["丙村", ["数据质量", "缺失原因"]].to_list() == ["缺失", "无报送"]
    assert set(frame["指标"]) == {declared.name}
    assert set(frame["单位"]) == {declared.unit}
    assert list(lake.indicator(declared.name, level="township")["区划"]) == ["乙镇"]


def test_an_earlier_state_still_answers_as_it_did(lake: OpenLake) -> None:
    known = lake.versions(table="gold.indicator_value")
    assert len(known) == 2
    earlier = lake.as_of(version=int(known["版本"].min()))
    assert earlier.indicator(INDICATOR, level="district")["数值"].to_list() == [100.5]
    changes = lake.compare(INDICATOR, earlier, level="township")
    assert changes[["数值（当时）", "数值", "变化"]].iloc[0].to_list() == [100.5, 120.25, 19.75]
    first = lake.as_of(version=int(lake.versions()["版本"].min()))
    with pytest.raises(UsageError):
        first.indicator(INDICATOR)


def test_a_value_is_traced_as_it_was_known_then(lake: OpenLake) -> None:
    first = int(lake.versions(table="gold.indicator_value")["版本"].min())
    traced = {one.label: one.trace(INDICATOR, period="2024-05").value for one in (lake, lake.as_of(version=first))}
    assert traced == {"现在": Decimal("120.25"), f"第 {first} 版": Decimal("100.5")}


def test_nothing_published_yet_is_an_error(lake: OpenLake) -> None:
    with pytest.raises(UsageError, match="还没有发布过"):
        lake.published("SELECT 1")


def test_opening_as_of_a_day_before_the_lake_is_an_error(home: Home) -> None:
    with pytest.raises(UsageError):
        open_lake(home.root, as_of="2001-01-01")
    assert open_lake(home.root, as_of="2999-12-31").indicator(INDICATOR, level="district")["数值"][0] == 120.25


def test_there_must_be_a_lake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="agrilake run"):
        open_lake(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "level"), [("no_such_indicator", None), (INDICATOR, "street")])
def test_unknown_indicators_and_levels_are_errors(lake: OpenLake, name: str, level: str | None) -> None:
    with pytest.raises(UsageError):
        lake.indicator(name, level=level)


def test_quotes_in_arguments_stay_text(lake: OpenLake) -> None:
    assert lake.indicator(INDICATOR, period="2024' OR '1'='1").empty


def test_text_is_escaped_on_display(lake: OpenLake) -> None:
    entry = lake.table("gold.division").entry
    assert "&lt;b&gt;" in table_html(entry, "<b>")


def test_chinese_text_has_glyphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    import matplotlib.pyplot as plt
    from matplotlib import font_manager, ft2font

    with plt.rc_context():
        name = use_chinese_fonts()
        found = font_manager.fontManager.get_font_names() if hasattr(font_manager.fontManager, "get_font_names") else []
        assert name in found
        font = ft2font.FT2Font(font_manager.findfont(name, fallback_to_default=False))
        assert all(font.get_char_index(ord(sign)) for sign in "建制村周五班率")
        figure, axes = plt.subplots()
        axes.set_title("建制村周五班率")
        figure.savefig(tmp_path / "chart.png")
        plt.close(figure)


def test_decimals_are_exact_in_the_table_itself(home: Home) -> None:
    assert Decimal("120.25") in pl.read_delta(str(home.table("gold", "indicator_value")))["value"].to_list()
