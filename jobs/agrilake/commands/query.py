"""`datasets`, `catalogue`, `layers`, `sql`, `trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(datasets)
    app.command()(catalogue)
    app.command()(layers)
    app.command()(sql)
    app.command()(trace)


@friendly
def datasets(json_output: JsonOption = False) -> None:
    """The declared datasets: owner, load mode, frequency, deliveries so far."""
    from agrilake.pipeline.context import Lake

    lake = Lake.open()
    rows = []
    for dataset in lake.registry.datasets.values():
        taken = lake.state.deliveries(dataset.id, status=("accepted", "partial"))
        latest = max((item.period for item in taken), default=None)
        rows.append(
            {
                "id": dataset.id,
                "title": dataset.title,
                "department": dataset.department_title,
                "load": dataset.load.value,
                "frequency": dataset.frequency.value,
                "deliveries": len(taken),
                "latest_period": latest,
                "version": dataset.version,
            }
        )
    if json_output:
        print_json(rows)
    else:
        print_table("datasets", list(rows[0]), [list(row.values()) for row in rows])


SHOWN_OF_RESOURCES = (
    "title",
    "owner",
    "period_latest",
    "coverage",
    "quality_score",
    "quality_trend",
    "status",
    "sharing",
)


@friendly
def catalogue(
    dcat: Annotated[Path | None, typer.Option(help="Write it as DCAT (JSON-LD) to this file.")] = None,
    json_output: JsonOption = False,
) -> None:
    """The resources: who holds what, where, how new and how good it is, and on what terms others get it."""
    from agrilake.pipeline import steps
    from agrilake.pipeline.context import Lake

    lake = Lake.open()
    tables = steps.catalogue(lake)
    if dcat is not None:
        dcat.write_text(steps.catalogue_dcat(lake, tables), encoding="utf-8")
    rows = tables["catalogue"].to_pylist()
    if json_output:
        print_json({"dcat": dcat, **{name: table.to_pylist() for name, table in tables.items()}})
    elif dcat is not None:
        console.print(str(dcat), highlight=False)
    else:
        print_table("catalogue", SHOWN_OF_RESOURCES, [[row[name] for name in SHOWN_OF_RESOURCES] for row in rows])


@friendly
def layers(json_output: JsonOption = False) -> None:
    """The geographic layers of the current publication: GeoParquet files, and what could not be put on the map."""
    from agrilake.paths import Home
    from agrilake.publish import current_publication

    publication = current_publication(Home.from_environment())
    if publication is None:
        raise UsageError("nothing is published yet; run: agrilake run")
    found = [
        {
            "id": item.id,
            "title": item.title,
            "geometry": item.geometry,
            "rows": item.rows,
            "estimated": item.estimated,
            "left_out": item.left_out,
            "bounds": item.bounds,
            "path": publication.layer(item.id),
        }
        for item in publication.layers.values()
    ]
    if json_output:
        print_json(found)
        return
    shown = ("id", "title", "geometry", "rows", "estimated", "left_out")
    print_table(f"layers in {publication.path / 'layers'}", shown, [[row[name] for name in shown] for row in found])


@friendly
def sql(
    query: Annotated[str, typer.Argument(help='For example "select count(*) from silver.agri_farm_household".')],
    as_of: Annotated[
        str | None, typer.Option(help="The lake as it was known at the end of that day (ISO date).")
    ] = None,
    version: Annotated[int | None, typer.Option(help="The lake version, see `agrilake status`.")] = None,
    unrecorded: Annotated[
        bool, typer.Option("--unrecorded", help="Each table as it stands, also in the middle of a run.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """Ask the lake (DuckDB SQL; tables silver.x and gold.x): its newest version, or as of a date or version."""
    from agrilake.pipeline.asked import ask
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.versions import newest, resolve

    lake = Lake.open()
    versions = resolve(lake.state, as_of, version)
    if versions is None and not unrecorded:
        versions = newest(lake.state)
    table = ask(lake.home, lake.registry, query, versions)
    rows = table.to_pylist()
    if json_output:
        print_json(rows)
    else:
        print_table("", table.column_names, [list(row.values()) for row in rows])


@friendly
def trace(
    indicator: Annotated[str, typer.Argument(help="An indicator's id or Chinese name.")],
    division: Annotated[str | None, typer.Option(help="Division code; default: the district.")] = None,
    period: Annotated[
        str | None, typer.Option(help="2024-05, 2024Q2 or 2024; default: the latest with a value.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Rows behind the number to show.")] = 20,
    json_output: JsonOption = False,
) -> None:
    """From a number to its numerator and denominator, the rows behind, and their delivery, file and line."""
    from agrilake.pipeline.context import Lake
    from agrilake.trace import trace as trace_number

    lake = Lake.open()
    found = trace_number(lake.home, indicator, division, period, limit)
    if json_output:
        print_json(found)
        return
    for line in found.lines():
        console.print(line, highlight=False, soft_wrap=True)
