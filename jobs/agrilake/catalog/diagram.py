"""The support database as a picture: entities and relations of the gold contracts, in Mermaid, one diagram a subject.

Generated (`agrilake generate`) and committed; the same contracts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from agrilake.contract.load import Registry
from agrilake.contract.model import Column, Dataset
from agrilake.contract.settings import Settings
from agrilake.tables.types import constraint

FILE = "support-database.md"
EVERYWHERE = "division"
"""The table that nearly every other refers to: drawn once in words instead of forty lines."""


def write_diagram(registry: Registry, settings: Settings, docs_folder: Path) -> Path:
    """Write the page into `docs_folder`; returns its path."""
    path = docs_folder / FILE
    path.write_text(support_database(registry, settings), encoding="utf-8", newline="\n")
    return path


def support_database(registry: Registry, settings: Settings) -> str:
    """Markdown: a diagram for each subject, then keys, relations and constraints of every table."""
    tables = sorted(registry.gold.values(), key=lambda table: (table.subject, table.id))
    lines = [f"# {settings.district_name}三农应用支撑数据库：表、关系与约束", ""]
    lines += ["> 由 `agrilake generate` 从数据契约生成，请勿手工修改。各列的含义见[数据字典](dictionary.md)。", ""]
    lines += [
        f"共 {len(tables)} 张表。图中只列主键（PK）和关联列（FK）；各表的区划代码列都关联行政区划表"
        f"（`{EVERYWHERE}`），不再逐一连线。约束由 Delta 表自身执行：不合约束的行写不进去，表停留在上一个正确的版本。",
    ]
    for subject, members in groupby(tables, key=lambda table: table.subject):
        lines += ["", f"## {subject}", "", "```mermaid", *entity_relations(list(members), registry), "```"]
    lines += ["", "## 主键、关联与约束", "", "| 表 | 主键 | 关联 | 约束（CHECK） |", "|---|---|---|---|"]
    lines += [_row(table) for table in tables]
    return "\n".join(lines) + "\n"


def entity_relations(tables: Iterable[Dataset], registry: Registry) -> Iterator[str]:
    """A Mermaid erDiagram: the tables with their keys and foreign keys, and lines to what these refer to.

    `||` stands at the side of a reference that every row has, `|o` where it may be empty; `o{` for many rows of one
    parent, `o|` where the reference is the whole key.
    """
    taken = list(tables)
    yield "erDiagram"
    for table in taken:
        yield from _entity(table)
    known = {table.id for table in taken}
    relations = [
        (table, column, column.reference.dataset)
        for table in taken
        for column in table.columns
        if column.reference and column.reference.dataset not in (EVERYWHERE, table.id)
    ]
    for name in sorted({parent for _, _, parent in relations} - known):
        yield f'    {name}["{registry.any(name).title}"]'
    for table, column, parent in relations:
        yield _line(parent, table, column)


def _entity(table: Dataset) -> Iterator[str]:
    yield f'    {table.id}["{table.title}"] {{'
    for column in table.columns:
        marks = [mark for mark, holds in (("PK", column.primary_key), ("FK", column.reference)) if holds]
        if marks:
            yield f'        {column.type} {column.name} {", ".join(marks)} "{column.title}"'
    yield "    }"


def _line(parent: str, table: Dataset, column: Column) -> str:
    always = "||" if column.required else "|o"
    many = "o|" if table.key == (column.name,) else "o{"
    return f'    {parent} {always}--{many} {table.id} : "{column.title}"'


def _row(table: Dataset) -> str:
    relations = [
        f"`{column.name}` → `{column.reference.dataset}.{column.reference.column}`"
        for column in table.columns
        if column.reference
    ]
    check = constraint(table).replace("|", "\\|")
    cells = [
        f"[{table.title}](dictionary.md#{table.id}) `{table.id}`",
        "、".join(f"`{name}`" for name in table.key),
        "；".join(relations),
        f"`{check}`" if check else "",
    ]
    return "| " + " | ".join(cells) + " |"
