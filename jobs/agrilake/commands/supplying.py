"""`sbom`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sbom)


@friendly
def sbom(
    out: Annotated[Path | None, typer.Option(help="Write the CycloneDX file here.")] = None,
    licences: Annotated[bool, typer.Option("--licences", help="List the licences instead.")] = False,
    json_output: JsonOption = False,
) -> None:
    """The bill of materials of everything installed (Python packages, jars), as CycloneDX; or its licences."""
    from agrilake.supply import bill_of_materials
    from agrilake.supply import licences as licences_of

    bill = bill_of_materials()
    if out is not None:
        out.write_text(json.dumps(bill, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    listed = licences_of(bill)
    if json_output:
        print_json(listed if licences else bill)
    elif licences:
        rows = [(item["name"], item["version"], item["licence"]) for item in listed]
        print_table("licences", ("component", "version", "licence"), rows)
    else:
        jars = sum(not item["purl"].startswith("pkg:pypi") for item in listed)
        console.print(f"{len(listed) - jars} packages, {jars} jars{f' in {out}' if out else ''}", highlight=False)
