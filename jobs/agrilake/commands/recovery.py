"""`backup`, `restore`, `verify` and `withdraw`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import ConsistencyError, UsageError

if TYPE_CHECKING:
    from agrilake.pipeline.context import Lake
    from agrilake.recovery.verify import Checked


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(verify)
    app.command()(withdraw)


@friendly
def verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Open every file of every kept version, read large tables too.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Whether the lake is whole: files, counts, tables, publications, receipts. Changes nothing; exit code 6 if not."""
    from agrilake.pipeline.context import Lake
    from agrilake.recovery.verify import verify as verify_lake

    show_verified(verify_lake(Lake.open(), deep), json_output)


def show_verified(checks: list[Checked], json_output: bool) -> None:
    """Print the checks; ends with exit code 6 where one found something."""
    if json_output:
        print_json(checks)
    else:
        rows = [(c.title, c.looked, len(c.findings) or "nothing", c.seconds) for c in checks]
        print_table("Is the lake whole?", ("what should be", "looked at", "found", "seconds"), rows)
        for check in checks:
            for item in check.findings:
                console.print(
                    f"{check.id}: {item.where}: {item.what}\n    → {item.remedy}", highlight=False, soft_wrap=True
                )
    if any(check.findings for check in checks):
        raise typer.Exit(ConsistencyError.exit_code)


@friendly
def withdraw(
    delivery: Annotated[str | None, typer.Argument(help="A delivery's id, or its first characters.")] = None,
    by: Annotated[str, typer.Option(help="Who withdraws.", envvar="AGRILAKE_STEWARD")] = "",
    reason: Annotated[str, typer.Option(help="Why; it stands on the department's receipt.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be taken back.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the withdrawals instead.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Take back all that a delivery brought, as if the file had never come; its mends go with it."""
    from agrilake.pipeline.context import Lake

    if listed == (delivery is not None):
        raise UsageError("give a delivery, or --list")
    lake = Lake.open()
    if delivery is None:
        _list_withdrawals(lake, json_output)
    elif dry_run:
        _would_withdraw(lake, delivery, json_output)
    else:
        _withdraw(lake, delivery, by, reason, json_output)


def _withdraw(lake: Lake, delivery: str, by: str, reason: str, json_output: bool) -> None:
    from agrilake.pipeline.withdrawal import withdraw as take_back

    done = take_back(lake, delivery, by, reason)
    if json_output:
        print_json(done)
        return
    along = f"，连同补正 {len(done.taken_along)} 份" if done.taken_along else ""
    said = f"已撤回 {done.dataset} {done.period} 期的报送 {done.delivery[:8]}{along}，共移除接收的 {done.accepted} 行。"
    console.print(said, highlight=False)
    console.print("指标和看板在下次运行（agrilake run）后更新，已发布的数字记为修订。", highlight=False)


def _would_withdraw(lake: Lake, delivery: str, json_output: bool) -> None:
    from agrilake.pipeline.withdrawal import to_withdraw

    found = lake.state.delivery(delivery)
    if found is None:
        raise UsageError(f"no single delivery begins with {delivery!r}; `agrilake receipts` lists them")
    items = to_withdraw(lake, found)
    if json_output:
        print_json(items)
        return
    columns = ("批次", "文件", "状态", "读到", "接收", "退回", "重复")
    rows = [(i.id[:8], i.file_name, i.status, i.records, i.accepted, i.quarantined, i.duplicate) for i in items]
    print_table("将要撤回", columns, rows)


def _list_withdrawals(lake: Lake, json_output: bool) -> None:
    from agrilake.pipeline.withdrawal import withdrawals

    found = withdrawals(lake.home)
    if json_output:
        print_json(found.to_dicts())
        return
    columns = (
        "序号",
        "批次",
        "数据集",
        "报送期",
        "文件",
        "随同",
        "读到",
        "接收",
        "退回",
        "重复",
        "撤回人",
        "时间",
        "原因",
    )
    print_table("撤回记录", columns, found.rows())
