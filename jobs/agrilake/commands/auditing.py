"""`audit`: the log of who did what, its head, and whether it is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import ConsistencyError, UsageError

COLUMNS = ("序号", "时间", "事项", "对象", "经办", "说明")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Who delivered, ran, reviewed, released, published, read: the log.")
    group.command(name="list")(list_acts)
    group.command()(head)
    group.command()(verify)
    app.add_typer(group, name="audit")


@friendly
def list_acts(
    act: Annotated[str | None, typer.Option(help="Only acts of this kind.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Only what was done to this delivery, table, publication.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 50,
    json_output: JsonOption = False,
) -> None:
    """The newest acts."""
    from agrilake.lake.audit import ACTS, Entry, entries
    from agrilake.pipeline.context import Lake
    from agrilake.publish.metadata import local_time

    if act is not None and act not in ACTS:
        raise UsageError(f"no act {act!r}; known: {', '.join(ACTS)}")
    lake = Lake.open()
    found = [item for item in entries(lake.home) if isinstance(item, Entry)]
    chosen = [item for item in found if act in (None, item.act) and subject in (None, item.subject)][-limit:]
    if json_output:
        print_json(chosen)
        return
    zone = lake.settings.timezone
    rows = [
        (item.number, local_time(item.at, zone), ACTS.get(item.act, item.act), item.subject, item.by, _told(item))
        for item in chosen
    ]
    print_table(f"审计记录，共 {len(found)} 条", COLUMNS, rows)


@friendly
def head(json_output: JsonOption = False) -> None:
    """The newest record's number and hash: keep them on paper or elsewhere, and give them to `verify --head` later."""
    from agrilake.lake.audit import head as newest
    from agrilake.pipeline.context import Lake

    found = newest(Lake.open().home)
    print_json(found) if json_output else console.print(f"{found.number}:{found.hash}", highlight=False)


@friendly
def verify(
    known_head: Annotated[
        list[str] | None, typer.Option("--head", help="NUMBER:HASH, as `agrilake audit head` printed it once.")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Whether any record was altered, removed, reordered or added between others."""
    from agrilake.lake.audit import head as newest
    from agrilake.pipeline.audited import audit_findings
    from agrilake.pipeline.context import Lake

    lake = Lake.open()
    found = audit_findings(lake, known_head or ())
    if json_output:
        print_json({"head": newest(lake.home), "findings": found})
    elif not found:
        console.print(f"审计记录完整：{newest(lake.home).number} 条", highlight=False)
    for line in () if json_output else found:
        console.print(f"[red]broken[/red] {line}", highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(ConsistencyError.exit_code)


def _told(item: object) -> str:
    about = getattr(item, "about", {})
    return "，".join(f"{name}={value}" for name, value in about.items() if value not in ("", 0))
