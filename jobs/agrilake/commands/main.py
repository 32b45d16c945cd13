"""`agrilake`: the lake's steps without Airflow, and the tools around them."""

from __future__ import annotations

import typer

from agrilake.commands import (
    auditing,
    authoring,
    benchmarking,
    deliveries,
    erasing,
    keys,
    published,
    quarantine,
    query,
    recovery,
    running,
    serving,
    stewarding,
    supplying,
)
from agrilake.services.process import without_dumps

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Rural data of a district, from dropped file to a number that leads back to its line. "
    "State lives under AGRILAKE_HOME (default ./var). Exit codes: docs/operating.md.",
)


@app.callback()
def start() -> None:
    """What goes for every command."""
    without_dumps()


for module in (
    running,
    deliveries,
    query,
    published,
    stewarding,
    quarantine,
    recovery,
    erasing,
    auditing,
    keys,
    authoring,
    serving,
    supplying,
    benchmarking,
):
    module.register(app)
