"""How commands speak: a table for people, JSON for scripts, one line and an exit code for errors."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from agrilake.errors import AgrilakeError

P = ParamSpec("P")
T = TypeVar("T")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
console = Console()
progress_console = Console(stderr=True)


def plain(value: Any) -> Any:
    """Anything a command returns, as JSON types."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.date | dt.datetime | Path):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people; missing values are shown as a dash."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*("—" if cell is None else str(cell) for cell in row))
    console.print(table)


@contextmanager
def telling(console: Console) -> Iterator[Callable[[str], None]]:
    """Where progress goes: one line that changes on a terminal, elsewhere (a log, CI) a line for each change."""
    if console.is_terminal:
        with console.status("starting") as status:
            yield status.update
        return
    last = ""

    def tell(line: str) -> None:
        nonlocal last
        if line != last:
            console.print(line, highlight=False, soft_wrap=True)
        last = line

    yield tell


def friendly(function: Callable[P, T]) -> Callable[P, T]:
    """A command whose expected errors end in one line and their documented exit code, never in a traceback."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except AgrilakeError as error:
            Console(stderr=True).print(f"[red]agrilake:[/red] {error}", highlight=False, markup=True, soft_wrap=True)
            raise typer.Exit(error.exit_code) from error

    return run
