"""`erase`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import UsageError

if TYPE_CHECKING:
    from agrilake.lake.erasures import Erasure
    from agrilake.pipeline.erasure import Held

STAGES = {"": "未完成，下次运行继续", "stored": "文件和各表已删除，待下次发布", "published": "已完成"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(erase)


@friendly
def erase(
    line: Annotated[
        list[str] | None,
        typer.Option("--line", help="A record as DELIVERY:LINE, with :SHEET in a workbook; several may be given."),
    ] = None,
    by: Annotated[str, typer.Option(help="Who erases.", envvar="AGRILAKE_STEWARD")] = "",
    reason: Annotated[str, typer.Option(help="Why, without the person's name or number.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many records would go.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the erasures instead.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Erase a person: all their records, in files, tables, old versions, publications; they come in no more.

    The person's numbers (identity, bank card, mobile phone) are read from standard input, one a line, and never from
    the command line, which other users and the shell's history see.
    """
    from agrilake.pipeline.context import Lake

    if listed:
        from agrilake.lake.erasures import erasures

        _show_list(erasures(Lake.open().home), json_output)
        return
    from agrilake.pipeline.erasure import erase as take_out
    from agrilake.pipeline.erasure import held_of

    lake, places = Lake.start(), line or []
    numbers = _numbers(has_places=bool(places))
    if dry_run:
        _show_held(held_of(lake, numbers, places), json_output)
        return
    act = take_out(lake, numbers, by, reason, places)
    if json_output:
        print_json(_facts(act))
        return
    said = f"第 {act.number} 次删除：{act.records} 行已从文件和各表中删除，改写文件 {act.files} 个。"
    console.print(said, highlight=False)
    console.print(
        "指标和看板在下次运行（agrilake run）后更新，旧的发布随之移除；此前的备份在下次备份时移除。", highlight=False
    )


def _numbers(has_places: bool) -> list[str]:
    """One a line, typed without echo at a terminal."""
    if sys.stdin.isatty():
        typed = typer.prompt("号码（不显示，几个号码用空格分开）", hide_input=True, default="", show_default=False)
        return list(typed.split())
    read = [text.strip() for text in sys.stdin.read().splitlines() if text.strip()]
    if not read and not has_places:
        raise UsageError("no number came on standard input; give one a line, or --line DELIVERY:LINE")
    return read


def _facts(act: Erasure) -> dict[str, object]:
    names = ("number", "by", "at", "reason", "stage", "reached_at", "records", "files")
    return {name: getattr(act, name) for name in names}


def _show_list(acts: list[Erasure], json_output: bool) -> None:
    if json_output:
        print_json([_facts(act) for act in acts])
        return
    columns = ("序号", "经办", "时间", "原因", "删除行数", "改写文件", "进度")
    rows = [(a.number, a.by, a.at, a.reason, a.records, a.files, STAGES[a.stage]) for a in acts]
    print_table("删除个人信息记录", columns, rows)


def _show_held(found: list[Held], json_output: bool) -> None:
    if json_output:
        print_json(found)
        return
    columns = ("批次", "数据集", "报送期", "文件", "行数")
    print_table("将要删除", columns, [(i.delivery[:8], i.dataset, i.period, i.file_name, i.records) for i in found])
