"""`publications`, `rebuild`."""

from __future__ import annotations

from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import AgrilakeError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(publications)
    app.command()(rebuild)


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
