"""The data dictionary, as one self-contained Chinese page and as Markdown; both say the same.

Both files are generated (`agrilake generate`) and committed; the same contracts give the same bytes, so
`agrilake generate --check` tells when they are stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from agrilake.catalog.entries import (
    ColumnEntry,
    TableEntry,
    dataset_entries,
    gold_entries,
    indicator_entries,
    layer_entries,
)
from agrilake.catalog.pages import environment
from agrilake.contract.load import Registry
from agrilake.contract.settings import Settings
from agrilake.indicators.model import Indicator
from agrilake.layers.model import Layer

MARKDOWN_FILE = "dictionary.md"
HTML_FILE = "dictionary.html"


@dataclass(frozen=True)
class Part:
    """One chapter: department data, support database, indicators or layers; groups keep the registry's order."""

    anchor: str
    title: str
    groups: tuple[tuple[str, tuple[TableEntry, ...]], ...]
    is_gold: bool = False


def dictionary_html(
    registry: Registry, settings: Settings, indicators: Sequence[Indicator] = (), layers: Sequence[Layer] = ()
) -> str:
    """A single page without scripts or outside resources; every text is escaped."""
    parts = _parts(registry, settings, indicators, layers)
    page = environment().get_template("dictionary.html.j2")
    return page.render(parts=parts, heading=_heading(settings), summary=_summary(parts))


def dictionary_markdown(
    registry: Registry, settings: Settings, indicators: Sequence[Indicator] = (), layers: Sequence[Layer] = ()
) -> str:
    """The same content for reading in the repository; explicit anchors are the datasets' ids."""
    parts = _parts(registry, settings, indicators, layers)
    lines = [f"# {_heading(settings)}", "", _summary(parts), ""]
    lines += ["> 由 `agrilake generate` 从数据契约生成，请勿手工修改。", ""]
    for part in parts:
        lines += [f"- **{part.title}**"]
        for group, entries in part.groups:
            links = "、".join(f"[{_text(entry.title)}](#{entry.id})" for entry in entries)
            lines += [f"  - {_text(group)}：{links}" if group else f"  - {links}"]
    for part in parts:
        lines += ["", f"## {part.title}"]
        for _group, entries in part.groups:
            for entry in entries:
                lines += _markdown_entry(entry, part)
    return "\n".join(lines) + "\n"


def write_dictionary(
    registry: Registry,
    settings: Settings,
    docs_folder: Path,
    indicators: Sequence[Indicator] = (),
    layers: Sequence[Layer] = (),
) -> list[Path]:
    """Write both files into `docs_folder`, with a chapter on the indicators and on the layers that are given; returns
    their paths."""
    texts = {
        MARKDOWN_FILE: dictionary_markdown(registry, settings, indicators, layers),
        HTML_FILE: dictionary_html(registry, settings, indicators, layers),
    }
    docs_folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (docs_folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [docs_folder / name for name in texts]


def _heading(settings: Settings) -> str:
    return f"{settings.district_name}涉农数据湖 · 数据字典"


def _summary(parts: Iterable[Part]) -> str:
    counts = [f"{part.title} {sum(len(entries) for _, entries in part.groups)} 项" for part in parts]
    return "，".join(counts)


def _parts(
    registry: Registry, settings: Settings, indicators: Sequence[Indicator], layers: Sequence[Layer]
) -> list[Part]:
    parts = [
        Part("departments", "部门报送数据", _grouped(dataset_entries(registry))),
        Part("gold", "三农应用支撑数据库", _grouped(gold_entries(registry)), is_gold=True),
        Part("indicators", "指标", _grouped(indicator_entries(indicators, registry, settings))),
        Part("layers", "地理图层", _grouped(layer_entries(layers, registry))),
    ]
    return [part for part in parts if part.groups]


def _grouped(entries: Iterable[TableEntry]) -> tuple[tuple[str, tuple[TableEntry, ...]], ...]:
    ordered = sorted(entries, key=lambda entry: entry.group)
    return tuple((group, tuple(found)) for group, found in groupby(ordered, key=lambda entry: entry.group))


def _markdown_entry(entry: TableEntry, part: Part) -> Iterator[str]:
    yield from ("", f'<a id="{entry.id}"></a>', "", f"### {_text(entry.title)} `{entry.id}`", "")
    if entry.purpose:
        yield from (_text(entry.purpose), "")
    for label, value in entry.facts:
        yield f"- {label}：{_text(value)}"
    if entry.columns:
        needed, last = ("非空", ["来源列"]) if part.is_gold else ("必填", ["表头其他写法", "示例"])
        heads = ["列", "列名", "类型", "单位", needed, "说明", "允许值与校验", *last]
        yield from ("", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|")
        for column in entry.columns:
            own = [column.source] if part.is_gold else ["、".join(column.synonyms), column.example]
            yield _markdown_row(column, own)
    if entry.checks:
        yield from ("", "全表校验：" + _text("；".join(entry.checks)))
    for layout in entry.earlier:
        heads = ["列", "列名", "类型", "单位", "必填", "说明", "允许值与校验", "表头其他写法", "现为"]
        yield from ("", f"**{_text(layout.title)}**", "", _text(layout.purpose))
        yield from ("", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|")
        for column in layout.columns:
            yield _markdown_row(column, ["、".join(column.synonyms), column.source])


def _markdown_row(column: ColumnEntry, last: Sequence[str]) -> str:
    rules = [*(["、".join(column.allowed)] if column.allowed else []), *column.checks]
    cells = [_text(rule) for rule in rules]
    if column.pattern:
        cells.insert(0, f"格式 `{column.pattern.replace('|', chr(92) + '|')}`")
    guidance = "；".join(part for part in (column.guidance, column.privacy) if part)
    plain = (column.type, column.unit, column.required, guidance)
    row = [_text(column.title), f"`{column.name}`", *map(_text, plain), "；".join(cells), *map(_text, last)]
    return "| " + " | ".join(row) + " |"


def _text(value: str) -> str:
    """Text that stays text in a Markdown table: no cell borders, tags or line breaks of its own."""
    value = " ".join(value.split())
    for mark in ("\\", "|", "<", "*", "_", "`", "["):
        value = value.replace(mark, f"\\{mark}")
    return value
