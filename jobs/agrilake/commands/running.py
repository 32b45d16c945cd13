"""`run` and `status`."""

from __future__ import annotations

from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table, progress_console
from agrilake.errors import AgrilakeError

STEP_TITLES = {
    "intake": "files read",
    "receipt": "receipts owed",
    "silver": "silver tables",
    "suites": "quality suites",
    "gold": "gold tables",
    "indicators": "indicators",
    "publish": "publication",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(status)


@friendly
def run(json_output: JsonOption = False) -> None:
    """Take everything in the inbox through to the publication."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.run import run_all

    lake = Lake.start()
    with Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[subject]}"),
        console=progress_console,
    ) as bars:
        report = run_all(lake, _teller(bars))
    if json_output:
        print_json(report)
    else:
        _print_report(report)
    if report.failures:
        raise typer.Exit(AgrilakeError.exit_code)


def _teller(bars: Progress) -> Any:
    tasks: dict[str, TaskID] = {}

    def tell(step: str, done: int, total: int, subject: str) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(STEP_TITLES.get(step, step), total=total, subject="")
        bars.update(tasks[step], completed=done, total=total, subject=subject)

    return tell


def _print_report(report: Any) -> None:
    rows = [
        ("files", report.files),
        ("of these seen before", report.repeats),
        ("rows read", report.rows_read),
        ("rows accepted", report.rows_accepted),
        ("rows quarantined", report.rows_quarantined),
        ("rows duplicate", report.rows_duplicate),
        ("tables written", len(report.tables_written)),
        ("indicators", report.indicators_computed),
        ("publication", report.publication),
        ("seconds", round(sum(report.seconds.values()), 1)),
    ]
    print_table("agrilake run", ("what", "how many"), rows)
    for table, reason in report.held.items():
        console.print(f"[yellow]held[/yellow] {table}: {reason}")
    for failure in report.failures:
        console.print(f"[red]failed[/red] {failure}")


@friendly
def status(json_output: JsonOption = False) -> None:
    """What is waiting, what failed, which tables are held, which services run."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.status import lake_status

    found = lake_status(Lake.open())
    if json_output:
        print_json(found)
        return
    print_table("lake", ("what", "state"), found.lines())
    print_table("services", ("service", "address", "since"), found.services)
    for failure in found.failures:
        console.print(
            f"[red]failed[/red] {failure.happened_at} {failure.step} {failure.subject}: {failure.message}",
            highlight=False,
        )
