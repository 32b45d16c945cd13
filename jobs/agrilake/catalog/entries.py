"""The dictionary's content as plain Chinese text: one entry a table, one row a column, for any page or display."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from agrilake.catalog import words
from agrilake.contract.load import Registry
from agrilake.contract.model import Column, Dataset
from agrilake.contract.settings import Settings
from agrilake.indicators.model import Indicator
from agrilake.layers.model import GEOMETRY_TITLES, Layer

MADE_BY = {
    "transform": "",
    "indicators": "指标引擎按各指标的声明计算，来源表见指标一章",
    "publication": "发布时与上一次发布逐项比较得出，只在发布的数据库里",
}
ROLE = {"leader": "领导驾驶舱", "analyst": "分析人员", "steward": "数据管理员"}


DIRECTION = {"up": "越高越好", "down": "越低越好", "none": "不分高低"}
GRAIN = {"district": "全区", "township": "镇街", "village": "村/社区"}


@dataclass(frozen=True)
class ColumnEntry:
    """One column in words; every field is display text, empty where the contract says nothing."""

    title: str
    name: str
    type: str
    unit: str
    required: str
    guidance: str
    allowed: tuple[str, ...]
    checks: tuple[str, ...]
    pattern: str
    privacy: str
    synonyms: tuple[str, ...]
    example: str
    source: str


@dataclass(frozen=True)
class LayoutEntry:
    """An earlier layout of a dataset in words; the columns' `source` says what they are today."""

    title: str
    purpose: str
    columns: tuple[ColumnEntry, ...]


@dataclass(frozen=True)
class TableEntry:
    """One dataset or gold table in words: `facts` are label-value pairs in reading order."""

    id: str
    title: str
    group: str
    purpose: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[ColumnEntry, ...]
    checks: tuple[str, ...]
    earlier: tuple[LayoutEntry, ...] = ()


def all_titles(registry: Registry) -> dict[str, str]:
    """Chinese titles of all datasets and gold tables by id, and of their columns by `id.column`."""
    tables = [*registry.datasets.values(), *registry.gold.values()]
    titles = {table.id: table.title for table in tables}
    for table in tables:
        titles |= {f"{table.id}.{column.name}": column.title for column in table.columns}
    return titles


def dataset_entries(registry: Registry) -> list[TableEntry]:
    """Entries of the department datasets in the registry's order."""
    titles = all_titles(registry)
    return [table_entry(dataset, titles) for dataset in registry.datasets.values()]


def gold_entries(registry: Registry) -> list[TableEntry]:
    """Entries of the gold tables in the registry's order."""
    titles = all_titles(registry)
    return [table_entry(dataset, titles) for dataset in registry.gold.values()]


def indicator_entries(indicators: Iterable[Indicator], registry: Registry, settings: Settings) -> list[TableEntry]:
    """Entries of the indicators, in order of declaration; they have facts and no columns."""
    titles = all_titles(registry)
    return [
        TableEntry(
            id=item.id,
            title=item.name,
            group=settings.departments.get(item.owner, item.owner),
            purpose=item.description,
            facts=tuple(fact for fact in _indicator_facts(item, titles, settings) if fact[1]),
            columns=(),
            checks=(),
        )
        for item in indicators
    ]


def _indicator_facts(indicator: Indicator, titles: dict[str, str], settings: Settings) -> Iterator[tuple[str, str]]:
    yield "单位", indicator.unit
    yield "计算方法", indicator.formula
    yield "适用层级", "、".join(GRAIN.get(level, level) for level in indicator.grain)
    yield "方向", DIRECTION.get(indicator.direction, indicator.direction)
    yield "责任单位", settings.departments.get(indicator.owner, indicator.owner)
    yield "目标", "，".join(f"{year} 年 {words.number(value)}" for year, value in sorted(indicator.targets.items()))
    yield "数据来源", "、".join(f"{titles.get(name, name)}（{name}）" for name in indicator.sources)
    yield "由指标计算", "、".join(indicator.derived_from)
    yield "尚待接入", titles.get(indicator.awaits, indicator.awaits)
    yield "对应任务", f"规划任务 {indicator.task}" if indicator.task.isdigit() else indicator.task
    yield "口径版本", indicator.edition


def layer_entries(layers: Iterable[Layer], registry: Registry) -> list[TableEntry]:
    """Entries of the geographic layers under their files' names; they have facts and no columns."""
    return [
        TableEntry(
            id=f"layers/{layer.id}.parquet",
            title=layer.title,
            group="",
            purpose=layer.description,
            facts=tuple(fact for fact in _layer_facts(layer, registry) if fact[1]),
            columns=(),
            checks=(),
        )
        for layer in layers
    ]


def _layer_facts(layer: Layer, registry: Registry) -> Iterator[tuple[str, str]]:
    source = registry.any(layer.source)
    yield "图形", GEOMETRY_TITLES[layer.geometry]
    yield "坐标系", words.CRS["EPSG:4490"]
    yield "数据来源", f"{source.title}（{source.id}）"
    labels = {name: {item.value: item.label for item in source.column(name).enum} for name in layer.where}
    kept = [f"{source.column(name).title}为{labels[name].get(value, value)}" for name, value in layer.where.items()]
    kept += [f"最近的{source.column(layer.newest).title}"] if layer.newest else []
    yield "只取", "，".join(kept)
    yield "字段", "、".join(source.column(name).title for name in layer.columns)


def table_entry(dataset: Dataset, titles: dict[str, str]) -> TableEntry:
    """The entry of one dataset; `titles` gives Chinese titles of the tables that it refers to."""
    columns = {column.name: column.title for column in dataset.columns}
    facts = _gold_facts(dataset, titles) if dataset.is_gold else _department_facts(dataset)
    return TableEntry(
        id=dataset.id,
        title=dataset.title,
        group=dataset.subject if dataset.is_gold else dataset.department_title,
        purpose=dataset.description,
        facts=tuple(fact for fact in facts if fact[1]),
        columns=tuple(_column_entry(dataset, column, columns, titles) for column in dataset.columns),
        checks=tuple(_table_checks(dataset, columns)),
        earlier=tuple(_layout_entry(item, dataset, titles) for item in reversed(dataset.earlier)),
    )


def _layout_entry(layout: Dataset, dataset: Dataset, titles: dict[str, str]) -> LayoutEntry:
    names = {column.name: column.title for column in layout.columns}
    columns = [_column_entry(layout, column, names, titles) for column in layout.columns]
    became = [words.feed_words(column, dataset) for column in layout.columns]
    return LayoutEntry(
        title=f"数据规范 {layout.edition}的列",
        purpose=layout.description,
        columns=tuple(replace(entry, source=text) for entry, text in zip(columns, became, strict=True)),
    )


def _table_checks(dataset: Dataset, columns: dict[str, str]) -> Iterator[str]:
    for check in dataset.checks:
        yield f"{words.check_words(check, columns)}（{words.SEVERITY.get(check.severity, check.severity)}）"


def _department_facts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    yield "数据责任单位", dataset.owner or dataset.department_title
    yield "报送周期与时限", words.due_words(dataset)
    yield "报送方式", words.LOAD[dataset.load]
    yield "粒度", dataset.grain
    yield "主键", "、".join(dataset.column(name).title for name in dataset.key)
    yield "文件名", f"{dataset.title}__{words.PERIOD_EXAMPLE[dataset.frequency]}.xlsx"
    yield "默认编码（CSV）", words.ENCODING.get(dataset.encoding.lower(), dataset.encoding)
    if dataset.crs:
        yield "坐标系", words.CRS.get(dataset.crs, dataset.crs)
    if dataset.history:
        yield "历史", "保留每条记录的有效期（拉链）"
    yield "共享属性", dataset.sharing
    yield "共享条件", dataset.sharing_terms
    yield "隐私等级", dataset.privacy_grade
    yield "别名", "、".join(dataset.synonyms)
    yield "契约版本", words.version_words(dataset)


def _gold_facts(dataset: Dataset, titles: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "主题", dataset.subject
    yield "粒度", dataset.grain
    yield "主键", "、".join(dataset.column(name).title for name in dataset.key)
    yield (
        "来源",
        "、".join(f"{titles.get(name, name)}（{name}）" for name in dataset.inputs) or MADE_BY[dataset.made_by],
    )
    yield "发布", "、".join(ROLE.get(role, role) for role in dataset.published)
    yield "隐私等级", dataset.privacy_grade
    yield "契约版本", dataset.version


def _column_entry(dataset: Dataset, column: Column, columns: dict[str, str], titles: dict[str, str]) -> ColumnEntry:
    checks = [*words.limit_words(column), *words.column_checks(column, columns)]
    reference = words.reference_words(column, titles)
    needed = "非空" if dataset.is_gold else "必填"
    return ColumnEntry(
        title=column.title,
        name=column.name,
        type=words.type_words(column),
        unit=column.unit or "",
        required=words.need_words(column, needed),
        guidance="" if column.description == column.title else column.description,
        allowed=tuple(words.enum_words(column)),
        checks=tuple([*checks, reference] if reference else checks),
        pattern=column.pattern or "",
        privacy=words.privacy_words(column),
        synonyms=column.synonyms,
        example="" if column.is_personal else column.example,
        source="；".join(_sources(dataset, column.name, titles)),
    )


def _sources(dataset: Dataset, column: str, titles: dict[str, str]) -> Iterable[str]:
    for table, mapping in dataset.lineage.items():
        if column in mapping:
            place = f"{table}.{mapping[column]}"
            yield f"{titles.get(table, table)}·{titles.get(place, mapping[column])}"
