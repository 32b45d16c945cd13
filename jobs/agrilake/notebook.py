"""The lake in a notebook: tables with their dictionary, SQL, indicators with Chinese names, any earlier state.

    from agrilake.notebook import open_lake, use_chinese_fonts
    lake = open_lake()                       # or open_lake(as_of="2024-06-30"), open_lake(version=3)
    lake.tables()
    lake.table("gold.village_profile")       # displays its dictionary
    lake.indicator("online_retail_amount", period="2024-05", level="township")
    lake.layer("villages").plot("estimated")   # a GeoDataFrame, see lake.layers()
    lake.published("SELECT * FROM delivery")   # the analysts' file of the publication
    lake.trace("village_five_a_week_rate")     # from a value back to files and lines

Reading only, through DuckDB, without Spark. Decimals become floats here, for charts and arithmetic; ask
`agrilake sql` where every digit counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pyarrow as pa

from agrilake.catalog.entries import TableEntry, all_titles, table_entry
from agrilake.catalog.pages import table_html
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Dataset
from agrilake.contract.settings import load_settings
from agrilake.errors import UsageError
from agrilake.fonts import use_chinese_fonts
from agrilake.indicators.load import load_indicators
from agrilake.indicators.model import FLAG_TITLES
from agrilake.lake.state import State
from agrilake.layers.model import GEOMETRY_TITLES, Geometry
from agrilake.paths import Home
from agrilake.pipeline.asked import ask
from agrilake.pipeline.versions import newest, resolve
from agrilake.publish.model import ANALYST, Publication
from agrilake.publish.opening import read_only
from agrilake.publish.store import current_publication, publications
from agrilake.sql import literal
from agrilake.trace import TraceResult, trace

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

__all__ = ["LakeTable", "OpenLake", "open_lake", "use_chinese_fonts"]
LAYERS = {"silver": "部门数据", "gold": "支撑数据库"}
LEVELS = {"district": "全区", "township": "镇街", "village": "村社区"}
INDICATOR_SQL = """
SELECT v.division_code, d.name AS division_name, d.township_name, v.division_level, v.period, v.value,
       v.numerator, v.denominator, v.flag, v.missing_reason, v.previous_year_value, v.yoy
FROM gold.indicator_value AS v
LEFT JOIN gold.division AS d ON d.division_code = v.division_code
WHERE {where}
ORDER BY v.period, v.division_code
"""


def open_lake(home: Path | str | None = None, as_of: str | date | None = None, version: int | None = None) -> OpenLake:
    """The lake at `home` (default: AGRILAKE_HOME, else <project>/var) at its newest lake version, or as of a day or an
    earlier one. All tables are of that version, whatever is written meanwhile.

    Raises UsageError where there is no lake, or none yet at that time.
    """
    place = Home.at(Path(home)) if home is not None else Home.from_environment()
    if not place.state_file.exists():
        raise UsageError(f"{place.root} 里还没有数据湖：请先运行 make run 或 agrilake run，或用 home=… 指定。")
    state = State(place.state_file)
    lake = OpenLake(place, load_registry(), state, newest=newest(state))
    return lake if as_of is None and version is None else lake.as_of(as_of, version)


@dataclass(frozen=True)
class OpenLake:
    """A lake for reading. `pinned` holds Delta versions by `layer/table` where an earlier state is asked for, `newest`
    those of the newest lake version when it was opened (None before the first)."""

    home: Home
    registry: Registry
    state: State = field(repr=False)
    pinned: Mapping[str, int] | None = field(default=None, repr=False)
    newest: Mapping[str, int] | None = field(default=None, repr=False)
    label: str = "现在"

    def as_of(self, day: str | date | None = None, version: int | None = None) -> OpenLake:
        """The same lake as it was known at the end of a day, or at a lake version (see `versions()`)."""
        text = None if day is None else str(day)
        return replace(self, pinned=resolve(self.state, text, version), label=f"{text}" if text else f"第 {version} 版")

    def versions(self, table: str | None = None) -> pd.DataFrame:
        """The recorded lake versions, oldest first: 版本, 记录时间, 表数; with `table` only those that have it."""
        known = self.state.lake_versions()
        if table is not None:
            known = [item for item in known if table.replace(".", "/") in item.tables]
        zone = load_settings().timezone
        rows = [(item.version, _local(item.recorded_at, zone), len(item.tables)) for item in known]
        return pd.DataFrame(rows, columns=["版本", "记录时间", "表数"])

    def sql(self, query: str) -> pd.DataFrame:
        """DuckDB SQL over `silver.<dataset>` and `gold.<table>`; decimals as floats."""
        table: pa.Table = ask(self.home, self.registry, query, self._versions)
        return _floats(table).to_pandas()

    def published(self, query: str) -> pd.DataFrame:
        """DuckDB SQL over the publication's file for analysts; decimals as floats.

        Gold and what departments sent under their names, beside them `delivery`, `quarantine_summary`, `catalogue`,
        `layer_left_out` and others: `SHOW TABLES`. UsageError for a query that DuckDB refuses.
        """
        with closing(read_only(self._publication().database(ANALYST))) as connection:
            try:
                table: pa.Table = connection.execute(query).to_arrow_table()
            except duckdb.Error as error:
                raise UsageError(f"DuckDB: {error}") from error
        return _floats(table).to_pandas()

    def tables(self) -> pd.DataFrame:
        """What there is: 表, 名称, 类别, 单位/主题, 内容, Delta 版本 (empty where nothing has arrived)."""
        versions = self._versions or {}
        rows = [
            (f"{layer}.{item.id}", item.title, LAYERS[layer], item.subject or item.department_title, item.description)
            for layer, declared in (("silver", self.registry.datasets), ("gold", self.registry.gold))
            for item in declared.values()
        ]
        frame = pd.DataFrame(rows, columns=["表", "名称", "类别", "部门或主题", "内容"])
        frame["版本"] = pd.array([versions.get(name.replace(".", "/")) for name in frame["表"]], dtype="Int64")
        return frame

    @property
    def _versions(self) -> Mapping[str, int] | None:
        return self.newest if self.pinned is None else self.pinned

    def table(self, name: str) -> LakeTable:
        """A table by `silver.x`, `gold.x`, id or Chinese title; a notebook displays its dictionary."""
        layer, dataset = self._find(name)
        return LakeTable(self, f"{layer}.{dataset.id}", table_entry(dataset, all_titles(self.registry)))

    def layers(self) -> pd.DataFrame:
        """The geographic layers of the publication: 图层, 名称, 图形, 要素数, 其中推算, 未上图, 说明."""
        found = self._publication().layers.values()
        columns = {
            "图层": [item.id for item in found],
            "名称": [item.title for item in found],
            "图形": [GEOMETRY_TITLES[Geometry(item.geometry)] for item in found],
            "要素数": [item.rows for item in found],
            "其中推算": [item.estimated for item in found],
            "未上图": [item.left_out for item in found],
            "说明": [item.description for item in found],
        }
        return pd.DataFrame(columns)

    def layer(self, name: str) -> GeoDataFrame:
        """A layer by id or Chinese title as a GeoDataFrame in EPSG:4490, columns under their English names."""
        import geopandas

        publication = self._publication()
        found = [item.id for item in publication.layers.values() if name in (item.id, item.title)]
        if not found:
            raise UsageError(f"没有图层 {name!r}；现有：{'、'.join(publication.layers)}")
        return geopandas.read_parquet(publication.layer(found[0]))

    def _publication(self) -> Publication:
        """The current publication; of an earlier state the one made from it. UsageError where there is none."""
        if self.pinned is None:
            current = current_publication(self.home)
            if current is None:
                raise UsageError("还没有发布过数据，请先运行 agrilake run。")
            return current
        versions = [item.version for item in self.state.lake_versions() if item.tables == self.pinned]
        kept = [item for item in publications(self.home) if item.lake_version in versions]
        if not kept:
            raise UsageError("当时的发布版本已不在：图层随发布保存，只保留最近几次。")
        return kept[-1]

    def _find(self, name: str) -> tuple[str, Dataset]:
        layer, _, table = name.rpartition(".")
        if layer not in ("", *LAYERS):
            raise UsageError(f"没有 {layer} 层：表写作 silver.名称 或 gold.名称。")
        if layer != "silver":
            found = [item for item in self.registry.gold.values() if table in (item.id, item.title)]
            if found:
                return "gold", found[0]
        if layer == "gold":
            raise UsageError(f"没有 gold 表 {table!r}；现有：{'、'.join(self.registry.gold)}")
        return "silver", self.registry.get(table)

    def indicator(self, name: str, period: str | None = None, level: str | None = None) -> pd.DataFrame:
        """Values of an indicator with Chinese column names, by period and division.

        `name` is an id or a Chinese name, `period` such as 2024-05, 2024Q2 or 2024 (default: all), `level`
        district, township or village (default: all). A missing value is NaN, with its reason in 缺失原因.
        """
        known = {item.id: item for item in load_indicators()}
        found = next((item for item in known.values() if name in (item.id, item.name)), None)
        if found is None:
            raise UsageError(f"没有指标 {name!r}；现有：{'、'.join(known)}")
        if level is not None and level not in LEVELS:
            raise UsageError(f"没有层级 {level!r}：{'、'.join(LEVELS)}")
        wanted = {"indicator_id": found.id, "period": period, "division_level": level}
        where = " AND ".join(f"v.{key} = {literal(value)}" for key, value in wanted.items() if value is not None)
        return _titled(self.sql(INDICATOR_SQL.format(where=where)), found.name, found.unit)

    def compare(
        self, name: str, earlier: OpenLake, period: str | None = None, level: str | None = None
    ) -> pd.DataFrame:
        """An indicator here beside an earlier state of the lake: 数值（当时）, 数值, 变化 by period and division.

        Rows that only one of the two has are kept, with NaN on the other side.
        """
        keys = ["期间", "层级", "区划代码", "区划"]
        then = earlier.indicator(name, period, level)[[*keys, "数值"]].rename(columns={"数值": "数值（当时）"})
        now = self.indicator(name, period, level)[[*keys, "数值"]]
        both = then.merge(now, on=keys, how="outer", validate="one_to_one")
        both["变化"] = both["数值"] - both["数值（当时）"]
        return both.sort_values(["期间", "区划代码"], ignore_index=True)

    def trace(
        self, indicator: str, division: str | None = None, period: str | None = None, limit: int = 20
    ) -> TraceResult:
        """A value with its parts, the rows that they count and the delivered lines behind these (`agrilake.trace`)."""
        return trace(self.home, indicator, division, period, limit, self._versions)


@dataclass(frozen=True)
class LakeTable:
    """A table: its dictionary on display, its rows on request."""

    lake: OpenLake = field(repr=False)
    name: str
    entry: TableEntry = field(repr=False)

    def _repr_html_(self) -> str:
        return table_html(self.entry, self.name)

    def dictionary(self) -> pd.DataFrame:
        """The columns in words: 列, 列名, 类型, 单位, 说明."""
        rows = [(item.title, item.name, item.type, item.unit, item.guidance) for item in self.entry.columns]
        return pd.DataFrame(rows, columns=["列", "列名", "类型", "单位", "说明"])

    def frame(self, limit: int | None = None) -> pd.DataFrame:
        """The rows under their English names, the first `limit` where given."""
        return self.lake.sql(f"SELECT * FROM {self.name}" + (f" LIMIT {int(limit)}" if limit is not None else ""))

    def titled(self, limit: int | None = None) -> pd.DataFrame:
        """The rows under Chinese titles with units, for people."""
        titles = {item.name: item.title + (f"（{item.unit}）" if item.unit else "") for item in self.entry.columns}
        return self.frame(limit).rename(columns=titles)


def _local(moment: str, zone: str) -> pd.Timestamp:
    return pd.Timestamp(moment).tz_convert(zone).tz_localize(None)


def _floats(table: pa.Table) -> pa.Table:
    """Decimals as float64; everything else as it is."""
    fields = [pa.field(item.name, pa.float64()) if pa.types.is_decimal(item.type) else item for item in table.schema]
    return table.cast(pa.schema(fields))


def _titled(values: pd.DataFrame, name: str, unit: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "指标": name,
            "期间": values["period"],
            "层级": values["division_level"].map(LEVELS),
            "区划代码": values["division_code"],
            "区划": values["division_name"],
            "镇街": values["township_name"],
            "数值": values["value"],
            "单位": unit,
            "分子": values["numerator"],
            "分母": values["denominator"],
            "上年同期": values["previous_year_value"],
            "同比": values["yoy"],
            "数据质量": values["flag"].map(FLAG_TITLES),
            "缺失原因": values["missing_reason"],
        }
    )
