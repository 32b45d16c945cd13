"""`quarantine`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from agrilake.pipeline.context import Lake


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(quarantine)


@friendly
def quarantine(
    department: Annotated[str | None, typer.Option(help="Only of this department (code or name).")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only of this dataset.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Only for this rule (id or Chinese title); with --release: why it is done.")
    ] = None,
    trend: Annotated[bool, typer.Option("--trend", help="By period, as a share of what was delivered.")] = False,
    lines: Annotated[str | None, typer.Option(help="The lines of this dataset, as its receipts have them.")] = None,
    release: Annotated[
        str | None, typer.Option(help="A rule that was wrong and has been mended: read its rows again.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who releases.", envvar="AGRILAKE_STEWARD")] = "",
    released: Annotated[bool, typer.Option("--released", help="List the releases instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many lines to list.")] = 50,
    json_output: JsonOption = False,
) -> None:
    """Records that wait in quarantine: how many, why, since when; and letting them go where the rule was wrong."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.quarantine import findings

    if sum([trend, lines is not None, release is not None, released]) > 1:
        raise UsageError("choose one of --trend, --lines, --release and --released")
    lake = Lake.open()
    if release is not None:
        if dataset is None:
            raise UsageError("--release needs --dataset, --by and --reason")
        _release(lake, release, dataset, by, reason or "", json_output)
    elif released:
        _list_releases(lake, json_output)
    else:
        found = findings(lake, department, reason, lines or dataset)
        if lines is not None:
            _list_lines(lake, found, limit, json_output)
        elif trend:
            _list_trend(lake, found, json_output)
        else:
            _list_waiting(lake, found, json_output)


def _list_waiting(lake: Lake, found: pl.DataFrame, json_output: bool) -> None:
    from agrilake.pipeline.quarantine import RECORD, waiting

    rows = waiting(lake, found)
    if json_output:
        print_json(rows)
        return
    columns = ("部门", "数据集", "规则", "问题", "记录", "批次", "报送期")
    print_table(
        f"隔离的记录，共 {found.select(RECORD).n_unique()} 条",
        columns,
        [
            (
                item.department,
                f"{item.title}\n{item.dataset}",
                item.rule,
                item.reason,
                item.records,
                item.deliveries,
                " 至 ".join(dict.fromkeys((item.oldest_period, item.newest_period))),
            )
            for item in rows
        ],
    )


def _list_trend(lake: Lake, found: pl.DataFrame, json_output: bool) -> None:
    from agrilake.pipeline.quarantine import trend

    rows = trend(lake, found)
    if json_output:
        print_json([{**vars(item), "percent": item.percent} for item in rows])
        return
    columns = ("部门", "数据集", "报送期", "报送记录", "隔离", "占比 %")
    print_table(
        "隔离情况逐期",
        columns,
        [(item.department, item.title, item.period, item.records, item.waiting, item.percent) for item in rows],
    )


def _list_lines(lake: Lake, found: pl.DataFrame, limit: int, json_output: bool) -> None:
    from agrilake.pipeline.quarantine import lines

    rows = lines(lake, found)
    if json_output:
        print_json(rows)
        return
    columns = ("报送期", "文件", "工作表", "行", "列", "填的是", "原因与改法")
    names = ("period", "file_name", "sheet", "line", "column_title", "found")
    table = [(*(row[name] for name in names), f"{row['reason']}{row['remedy']}") for row in rows[:limit]]
    print_table(f"隔离的行，共 {len(rows)} 处", columns, table)
    if len(rows) > limit:
        console.print(f"另有 {len(rows) - limit} 处，用 --limit 或 --json 查看。")


def _list_releases(lake: Lake, json_output: bool) -> None:
    from agrilake.pipeline.quarantine import releases

    found = releases(lake.home)
    if json_output:
        print_json(found.to_dicts())
        return
    columns = ("序号", "数据集", "规则", "批次", "放行记录", "契约版本", "放行人", "时间", "理由")
    print_table("放行记录", columns, found.rows())


def _release(lake: Lake, rule: str, dataset: str, by: str, reason: str, json_output: bool) -> None:
    from agrilake.pipeline.quarantine import release

    done = release(lake, rule, dataset, by, reason)
    if json_output:
        print_json(done)
        return
    console.print(
        f"{done.dataset}：放行 {done.released} 条，{len(done.deliveries)} 个批次的回执已重写；"
        f"仍因“{done.rule}”隔离 {done.still_waiting} 条。",
        highlight=False,
    )
    if not done.released:
        console.print("没有记录能通过现行契约：请先修改契约里的规则。", highlight=False)
    else:
        console.print("指标和看板在下次运行（agrilake run）后更新。", highlight=False)
