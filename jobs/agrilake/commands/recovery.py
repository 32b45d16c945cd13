"""`backup`, `restore`, `verify` and `withdraw`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import ConsistencyError, UsageError

if TYPE_CHECKING:
    from agrilake.pipeline.context import Lake
    from agrilake.recovery.manifest import Manifest
    from agrilake.recovery.restore import Restored
    from agrilake.recovery.verify import Checked


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)
    app.command()(verify)
    app.command()(withdraw)


@friendly
def backup(
    target: Annotated[Path, typer.Argument(help="A folder on another disk or machine; several backups share it.")],
    keep: Annotated[int | None, typer.Option(min=1, help="Remove all but so many of the newest backups.")] = None,
    recipient: Annotated[
        str | None, typer.Option(help="Encrypt to this age recipient (age1…), chosen with the first backup.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the backups instead.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Check every hash of the target instead.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Copy the lake, which may be running, to another place; only what changed is copied. Never the pseudonym key."""
    if listed and check:
        raise UsageError("choose one of --list and --check")
    if listed:
        _list_backups(target, json_output)
    elif check:
        _check_backups(target, json_output)
    else:
        _back_up(target, keep, recipient, json_output)


def _back_up(target: Path, keep: int | None, recipient: str | None, json_output: bool) -> None:
    from agrilake.intake.keys import key_path
    from agrilake.pipeline.context import Lake
    from agrilake.recovery.backup import backup as back_up

    done = back_up(Lake.open(), target, keep, recipient)
    made = done.manifest
    if json_output:
        print_json({**_facts(made), "missing": made.missing, "removed": done.removed, "freed_bytes": done.freed_bytes})
    else:
        said = f"backup {made.name}: {len(made.files)} files, {made.bytes / 1e6:.1f} MB, of these new"
        console.print(f"{said} {made.copied_bytes / 1e6:.1f} MB", highlight=False)
        if done.removed:
            console.print(f"removed {done.removed} older, {done.freed_bytes / 1e6:.1f} MB freed", highlight=False)
        key = f"key {made.key['id']}, fingerprint {made.key['fingerprint']}" if made.key else "no key"
        console.print(
            f"The pseudonym key is not in it ({key}); keep {key_path()} elsewhere.", highlight=False, soft_wrap=True
        )
        for name in made.missing:
            console.print(f"[red]missing[/red] {name}: see agrilake verify", highlight=False)
    if made.missing:
        raise typer.Exit(ConsistencyError.exit_code)


def _facts(made: Manifest) -> dict[str, object]:
    names = ("name", "made_at", "lake_version", "deliveries", "key", "recipient", "bytes", "copied_bytes")
    return {name: getattr(made, name) for name in names} | {"files": len(made.files)}


def _list_backups(target: Path, json_output: bool) -> None:
    from agrilake.recovery.backup import backups

    found = backups(target)
    if json_output:
        print_json([_facts(made) for made in found])
        return
    columns = ("backup", "lake version", "deliveries", "files", "MB", "new MB", "key", "encrypted")
    rows = [
        (
            made.name,
            made.lake_version,
            made.deliveries,
            len(made.files),
            f"{made.bytes / 1e6:.1f}",
            f"{made.copied_bytes / 1e6:.1f}",
            made.key["id"] if made.key else None,
            "yes" if made.recipient else "no",
        )
        for made in found
    ]
    print_table(f"backups in {target}", columns, rows)


def _check_backups(target: Path, json_output: bool) -> None:
    from agrilake.recovery.backup import damaged

    found = damaged(target)
    if json_output:
        print_json(found)
    else:
        for line in found or ["every file of every backup is as it was written"]:
            console.print(line, highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(ConsistencyError.exit_code)


@friendly
def restore(
    source: Annotated[Path, typer.Argument(help="The folder that `agrilake backup` wrote to.")],
    to: Annotated[Path, typer.Option(help="The home to make; it must be empty or not there.")],
    name: Annotated[str | None, typer.Option("--backup", help="Which backup (default: the newest).")] = None,
    identity: Annotated[Path | None, typer.Option(help="File with the age identity of encrypted backups.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Verify with --deep at the end.")] = False,
    erasures: Annotated[
        Path | None, typer.Option(help="Home of the lake as it was: whoever was erased in it is erased again.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Bring a lake back from a backup into an empty place; every hash is checked, and the lake verified at the end."""
    from agrilake.recovery.restore import restore as bring_back

    done = bring_back(source, to, name, identity, deep, erasures)
    if json_output:
        print_json(done)
        if any(check.findings for check in done.checks):
            raise typer.Exit(ConsistencyError.exit_code)
        return
    console.print(f"backup {done.backup}: {done.files} files, {done.bytes / 1e6:.1f} MB in {to}", highlight=False)
    if done.key:
        console.print(f"[yellow]key[/yellow] {done.key}", highlight=False, soft_wrap=True)
    console.print(f"[yellow]erasures[/yellow] {_erased_again(done, erasures)}", highlight=False, soft_wrap=True)
    show_verified(done.checks, json_output=False)


def _erased_again(done: Restored, erasures: Path | None) -> str:
    if erasures is None:
        return (
            f"Whoever was erased after {done.made_at} is in this lake again; give --erasures HOME of the lake as it "
            "was, or erase them again (agrilake erase)."
        )
    if done.erasures and not done.erased:
        return f"{done.erasures} are noted, and done by the first `agrilake run` with the key; use nothing before."
    return f"{done.erasures} that the backup did not know are done again; publications follow with the next run."


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
