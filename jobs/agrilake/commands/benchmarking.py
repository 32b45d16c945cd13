"""`bench`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, friendly, print_json, progress_console, telling
from agrilake.errors import UsageError
from agrilake.paths import project_root


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(bench)


@friendly
def bench(
    workload: Annotated[list[int] | None, typer.Option(help="Only these workloads; default: all.")] = None,
    rows: Annotated[
        int, typer.Option(help="Rows of parcels: the file of 1, a year in 4 and 6, all in 3.", min=1000)
    ] = 5_000_000,
    years: Annotated[list[int] | None, typer.Option(help="Lengths of the history (workload 4).", min=1)] = None,
    repeat: Annotated[int, typer.Option(help="Measured runs of each competitor.", min=1)] = 3,
    warm_up: Annotated[int, typer.Option(help="Runs before, not measured.", min=0)] = 1,
    only: Annotated[list[str] | None, typer.Option(help="Only these competitors, by their names.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 500112,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; default: build/bench.")] = None,
    json_output: JsonOption = False,
) -> None:
    """Measure the lake against what its users would write otherwise: docs/benchmarks.md. From a checkout alone."""
    if not (project_root() / "benchmarks" / "run.py").exists():
        raise UsageError("the benchmark is not installed with the package; run it from a checkout: make bench")
    sys.path.insert(0, str(project_root()))
    with telling(progress_console) as tell:
        report = importlib.import_module("benchmarks.run").run(
            workload or (),
            seed=seed,
            rows=rows,
            years=years or (1, 2, 5, 10),
            repeat=repeat,
            warm_up=warm_up,
            only=only or (),
            out=out or project_root() / "build" / "bench",
            tell=tell,
        )
    if json_output:
        print_json(report)
    else:
        sys.stdout.write(report.markdown())
