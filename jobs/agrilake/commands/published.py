"""`publications`, `rebuild`, `diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import AgrilakeError, UsageError

if TYPE_CHECKING:
    from agrilake.tables.diff import TableDiff

KINDS = {"changed": "改动", "added": "新增", "removed": "减少"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(publications)
    app.command()(rebuild)
    app.command()(diff)


@friendly
def publications(
    pinned: Annotated[
        bool, typer.Option("--pinned", help="The Delta versions that no vacuum may remove, by table.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Every publication ever made, also those whose files have been retired."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.pins import pinned_versions
    from agrilake.publish.metadata import local_time
    from agrilake.publish.records import records

    lake = Lake.open()
    if pinned:
        versions = pinned_versions(lake)
        if json_output:
            print_json(versions)
        else:
            rows = [(name, ", ".join(map(str, found))) for name, found in versions.items()]
            print_table("不得清理的版本", ("表", "Delta 版本"), rows)
        return
    found = records(lake.home)
    if json_output:
        print_json(found)
        return
    columns = ("发布", "时间", "数据湖版本", "表", "行", "暂停更新", "数据库文件", "可重算")
    print_table(
        "历次发布",
        columns,
        [
            (
                item.version,
                local_time(item.made_at, lake.settings.timezone),
                item.lake_version,
                len(item.rows),
                sum(item.rows.values()),
                sum(source.held for source in item.sources.values()) or None,
                "保留" if item.is_kept else "已清理",
                "是" if item.figures.get("recipe") else "否",
            )
            for item in found
        ],
    )


@friendly
def rebuild(
    published: Annotated[int, typer.Option(help="The publication's version, see `agrilake publications`.")],
    indicator: Annotated[
        str | None, typer.Argument(help="An indicator's id or Chinese name; default: all that it shows.")
    ] = None,
    period: Annotated[str | None, typer.Option(help="Only 2024-05, 2024Q2 or 2024.")] = None,
    json_output: JsonOption = False,
) -> None:
    """Compute published figures again from the inputs and declarations of then, and compare them bit for bit."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.rebuild import rebuild as rebuild_figures

    lake = Lake.open()
    found = rebuild_figures(lake, published, indicator, period)
    if json_output:
        print_json([{"same": item.is_same, "verdict": item.verdict, **vars(item)} for item in found])
    else:
        titles = {column.name: column.title for column in lake.registry.gold["indicator_value"].columns}
        shown = [item for item in found if len(found) == 1 or not item.is_same]
        for item in shown:
            for line in item.lines(titles):
                console.print(line, highlight=False, soft_wrap=True)
        if len(found) > 1:
            same = [item for item in found if item.is_same]
            rows = sum(item.rows for item in same)
            console.print(f"第 {published} 次发布的 {len(found)} 个指标：{len(same)} 个逐位一致（{rows} 个数值）")
    if not all(item.is_same for item in found):
        raise typer.Exit(AgrilakeError.exit_code)


@friendly
def diff(
    table: Annotated[str | None, typer.Argument(help="silver.x or gold.x.")] = None,
    before: Annotated[int | None, typer.Option("--from", help="Delta version; default: the one before.")] = None,
    after: Annotated[int | None, typer.Option("--to", help="Delta version; default: the newest.")] = None,
    of_lake: Annotated[bool, typer.Option("--lake", help="--from and --to are lake versions.")] = False,
    published: Annotated[
        tuple[int, int] | None, typer.Option(help="Two publications instead, see `agrilake publications`.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many rows of each kind to show.")] = 10,
    json_output: JsonOption = False,
) -> None:
    """What differs between two versions of a table, or between two publications: counts, and some rows by key."""
    from agrilake.pipeline.compare import compare_publications, compare_versions
    from agrilake.pipeline.context import Lake

    lake, pair = Lake.open(), published or (0, 0)
    if (published is None) == (table is None) or (published and (before, after, of_lake) != (None, None, False)):
        raise UsageError("give a table (with --from, --to, --lake), or --published and two publications")
    if table is not None:
        one = compare_versions(lake, table, before, after, of_lake, limit)
        print_json(one) if json_output else _print_diff(one)
        return
    found = compare_publications(lake, *pair, limit)
    if json_output:
        print_json(found)
        return
    rows = [
        (item.table, item.rows_before, item.rows_after, *_counts(item.diff), item.note)
        for item in found
        if item.rows_before != item.rows_after or item.note or (item.diff and not item.diff.is_same)
    ]
    titles = ("表", "原行数", "现行数", "改动", "新增", "减少", "说明")
    print_table(f"第 {pair[0]} 次发布与第 {pair[1]} 次发布", titles, rows)
    for item in found:
        if item.diff and not item.diff.is_same and limit:
            _print_diff(item.diff)


def _counts(found: TableDiff | None) -> tuple[int | None, int | None, int | None]:
    return (found.changed, found.added, found.removed) if found else (None, None, None)


def _print_diff(found: TableDiff) -> None:
    kinds = {"改动": found.changed, "新增": found.added, "减少": found.removed, "仅来源不同": found.moved}
    counts = "，".join(f"{title} {count} 行" for title, count in kinds.items() if count)
    console.print(
        f"《{found.title}》{found.table}：{found.before} {found.rows_before} 行，{found.after} {found.rows_after} 行；"
        + (counts or "没有差别"),
        highlight=False,
        soft_wrap=True,
    )
    for name, count in found.columns.items():
        console.print(f"  {name}：{count} 行", highlight=False)
    for row in found.sample:
        key = "，".join(f"{name}={value}" for name, value in row.key.items())
        changes = "；".join(f"{name} {old} → {new}" for name, (old, new) in row.columns.items())
        console.print(f"    {KINDS[row.kind]} {key}{'：' if changes else ''}{changes}", highlight=False, soft_wrap=True)
