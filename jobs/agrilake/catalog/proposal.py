"""From the shapes of columns to a proposed contract, as data: what a person still has to decide is in `todo`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from agrilake.catalog import shape as look
from agrilake.catalog.naming import Name, english_name, glossary
from agrilake.catalog.shape import Shape
from agrilake.contract.model import Column, EnumValue, LogicalType
from agrilake.intake.dates import parse_date, parse_timestamp
from agrilake.intake.privacy import mask_text
from agrilake.intake.titles import squeeze, title_of
from agrilake.intake.veil import without_known

MOST_ENUM_VALUES = 12
LONGEST_ENUM_LABEL = 12
KEPT_AS_TOKEN = ("id_no", "bank_card")
PII_CHECK = {"id_no": "resident_id", "phone": "mobile_phone", "bank_card": "bank_card"}
PLACE_CHECK = {"lon": "longitude", "lat": "latitude"}
UNIT_BRACKET = re.compile(r"\s*[（(\[【]([^（）()\[\]【】]*)[）)\]】]\s*$")


@dataclass(frozen=True)
class ProposedColumn:
    """A column as the contract will say it; `todo` are questions for a person, in Chinese."""

    name: str
    title: str
    type: LogicalType
    physical_type: str | None = None
    unit: str | None = None
    required: bool = False
    primary_key: bool = False
    enum: tuple[EnumValue, ...] = ()
    pattern: str | None = None
    minimum: int | None = None
    division_level: str | None = None
    pii: str | None = None
    checks: tuple[str, ...] = ()
    example: str | None = None
    is_period: bool = False
    todo: tuple[str, ...] = ()

    @property
    def privacy(self) -> str | None:
        """Numbers that records are matched by become tokens, everything else personal is dropped."""
        return None if self.pii is None else "pseudonym" if self.pii in KEPT_AS_TOKEN else "drop"


@dataclass(frozen=True)
class Sample:
    """Headers and rows of text of a department's file, all rows as long as the header."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)


def propose_columns(sample: Sample, known: Mapping[str, Column], county: str) -> list[ProposedColumn]:
    """Columns in the file's order, with unique names and a primary key.

    `known` are columns of existing contracts by header spelling (`naming.known_columns`); `county` is the
    district's code. No value of a column that may be personal is ever copied, nor a personal number or such a column's
    name out of any other.
    """
    columns: list[ProposedColumn] = []
    shapes = [
        look.shape_of(squeeze(header), [row[place] for row in sample.rows])
        for place, header in enumerate(sample.headers)
    ]
    names = frozenset(value for shape in shapes if look.pii_of(shape) == "name" for value in shape.distinct)
    for header, shape in zip(sample.headers, shapes, strict=True):
        column = _column(without_known(mask_text(header), names), shape, known, county, names)
        columns.append(_renamed(column, {item.name for item in columns}))
    key = _key(columns, sample)
    sure = key is not None
    chosen = key or (0,)
    return [_with_key(column, sure) if place in chosen else column for place, column in enumerate(columns)]


def _renamed(column: ProposedColumn, taken: set[str]) -> ProposedColumn:
    number, name = 2, column.name
    while name in taken:
        name = f"{column.name}_{number}"
        number += 1
    return column if name == column.name else _replace(column, name=name)


def _replace(column: ProposedColumn, **changes: object) -> ProposedColumn:
    return ProposedColumn(**{**column.__dict__, **changes})


def _with_key(column: ProposedColumn, sure: bool) -> ProposedColumn:
    todo = "请确认主键" if sure else "样本里没有找到能唯一确定一行的列，请指定主键"
    return _replace(column, primary_key=True, required=True, todo=(*column.todo, todo))


def _column(
    header: str, shape: Shape, known: Mapping[str, Column], county: str, names: frozenset[str]
) -> ProposedColumn:
    title, written_unit = _title_and_unit(header)
    unit = glossary().canonical_units.get(written_unit or "", written_unit)
    like = known.get(title_of(header).bare)
    pii = (like.pii if like else None) or look.pii_of(shape)
    name = Name(like.name, True) if like and unit in (None, like.unit) else english_name(title, unit)
    base = ProposedColumn(
        name=name.text,
        title=title,
        type=LogicalType.STRING,
        unit=unit,
        required=bool(shape.filled) and shape.empty == 0,
        pii=pii,
        todo=() if name.sure else ("列名由拼音生成，请改成英文",),
    )
    if pii is not None:
        return _personal(base, shape)
    level = look.division_level(shape, county)
    if level is not None:
        return _replace(base, division_level=level)
    if base.name in PLACE_CHECK or title in ("经度", "纬度"):
        return _coordinate(base)
    if look.share(shape, "credit_code") >= look.MOSTLY:
        return _replace(base, checks=("credit_code",))
    if look.is_period(shape):
        return _replace(base, is_period=True, example=shape.filled[0])
    return _plain(base, shape, written_unit, names)


def _title_and_unit(header: str) -> tuple[str, str | None]:
    """功率（千瓦）* -> 功率, 千瓦; a bracket that is no unit stays in the title."""
    title = re.sub(r"\s+", "", header).strip("*★※●")
    unit = title_of(header).unit
    bracket = UNIT_BRACKET.search(title)
    if unit and bracket:
        return title[: bracket.start()], bracket[1].removeprefix("单位").lstrip(":：")
    return title, None


def _personal(base: ProposedColumn, shape: Shape) -> ProposedColumn:
    check = PII_CHECK.get(base.pii or "")
    todo = (*base.todo, "疑似个人信息，请确认种类和处理方式（pseudonym 以代号替换，drop 不保留）")
    return _replace(base, checks=(check,) if check else (), todo=todo)


def _coordinate(base: ProposedColumn) -> ProposedColumn:
    name = {"经度": "lon", "纬度": "lat"}.get(base.title, base.name)
    number = {"type": LogicalType.NUMBER, "physical_type": "double", "unit": "度", "checks": (PLACE_CHECK[name],)}
    return _replace(base, name=name, **number)


def _plain(base: ProposedColumn, shape: Shape, written_unit: str | None, names: frozenset[str]) -> ProposedColumn:
    kind = look.type_of(shape)
    if not shape.filled:
        return _replace(base, todo=(*base.todo, "样本里这一列全空，请确定类型"))
    if kind is LogicalType.STRING:
        return _text(base, shape, names)
    minimum = None if kind not in (LogicalType.INTEGER, LogicalType.NUMBER) or look.has_negative(shape) else 0
    physical = None
    nobodys = next((value for value in shape.filled if not _holds_person(value, names)), None)
    example = _example(nobodys, kind) if nobodys and base.unit == written_unit else None
    if kind is LogicalType.NUMBER:
        scale = 2 if base.unit == "元" else 4 if base.unit == "亩" else max(2, look.decimals(shape))
        physical = f"decimal(18,{scale})"
    quantity = kind in (LogicalType.INTEGER, LogicalType.NUMBER)
    unclear = quantity and base.unit is None
    todo = (*base.todo, "请填单位（没有单位的删去本行）") if unclear else base.todo
    return _replace(base, type=kind, physical_type=physical, minimum=minimum, example=example, todo=todo)


def _example(value: str, kind: LogicalType) -> str:
    """A value of a column that is not personal, in the spelling that the form asks for."""
    if kind is LogicalType.BOOLEAN:
        return "是"
    if kind is LogicalType.DATE:
        return str(parse_date(value))
    return str(parse_timestamp(value)) if kind is LogicalType.TIMESTAMP else value


def _text(base: ProposedColumn, shape: Shape, names: frozenset[str]) -> ProposedColumn:
    if "地址" in base.title:
        return _replace(base, todo=(*base.todo, "如果是个人住址，请加 pii: address"))
    pattern = look.pattern_of(shape)
    if pattern is not None:
        return _replace(base, pattern=pattern, todo=(*base.todo, "格式由样本推断，请核对"))
    if _is_enumeration(shape) and not any(_holds_person(value, names) for value in shape.distinct):
        values = tuple(_enum_value(value) for value in shape.distinct)
        return _replace(base, enum=_unique_values(values), todo=(*base.todo, "请核对允许值是否齐全"))
    return base


def _is_enumeration(shape: Shape) -> bool:
    """Few distinct short values that come again and again; a code with digits is no such thing."""
    distinct = shape.distinct
    short = all(len(value) <= LONGEST_ENUM_LABEL for value in distinct)
    repeated = len(shape.filled) >= 2 * len(distinct) or (len(distinct) <= 3 < len(shape.filled))
    return short and repeated and len(distinct) <= MOST_ENUM_VALUES and not look.looks_like_names(shape)


def _holds_person(value: str, names: frozenset[str]) -> bool:
    return without_known(mask_text(value), names) != value


def _enum_value(label: str) -> EnumValue:
    return EnumValue(english_name(label).text, label)


def _unique_values(values: Sequence[EnumValue]) -> tuple[EnumValue, ...]:
    """Two labels of the same English get their own label as value, which is always different."""
    counts = [item.value for item in values]
    return tuple(item if counts.count(item.value) == 1 else EnumValue(item.label, item.label) for item in values)


def _key(columns: Sequence[ProposedColumn], sample: Sample) -> tuple[int, ...] | None:
    """Places of the smallest set of required columns (up to four) whose values are different in every row."""
    usable = [
        place for place, column in enumerate(columns) if column.required and column.pii is None and _may_be_key(column)
    ]
    usable.sort(key=lambda place: not look.ID_HEADER.search(squeeze(columns[place].title)))
    rows = sample.rows
    for size in range(1, 5):
        for places in combinations(usable, size):
            if len({tuple(row[place] for place in places) for row in rows}) == len(rows) > 0:
                return tuple(sorted(places))
    return None


def _may_be_key(column: ProposedColumn) -> bool:
    return column.type not in (LogicalType.NUMBER, LogicalType.BOOLEAN) and column.physical_type is None
