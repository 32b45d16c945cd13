"""`template`, `generate`, `new`, `sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table, progress_console
from agrilake.errors import ContractError, UsageError


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(template)
    app.command()(generate)
    app.command()(new)
    app.command()(sample)


@friendly
def template(
    dataset: Annotated[str, typer.Argument(help="A dataset's id or Chinese title.")],
    period: Annotated[str | None, typer.Option(help="The period to report; default: a present one.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write; default: <title>__<period>.xlsx here.")] = None,
    json_output: JsonOption = False,
) -> None:
    """The Excel form of a dataset, in the layout of the period: headers, drop-downs and a line of guidance a column."""
    from agrilake.catalog.form import form_name, write_form
    from agrilake.intake.periods import EXAMPLES, parse_period
    from agrilake.pipeline.context import Lake

    lake = Lake.open()
    contract = lake.registry.get(dataset)
    if period is not None:
        found = parse_period(period)
        if found is None or found[1] is not contract.frequency:
            raise UsageError(f"{period!r} is no period of {contract.id}; write it like {EXAMPLES[contract.frequency]}")
        period = found[0]
        contract = contract.layout(period)
    path = out or Path(form_name(contract, period))
    write_form(contract, path, lake.division_table(), lake.settings)
    if json_output:
        print_json({"dataset": contract.id, "path": path})
    else:
        console.print(str(path), highlight=False)


@friendly
def generate(
    check: Annotated[bool, typer.Option("--check", help="Only prove that generated files are fresh.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Write every file that is derived from the declarations (suites, dictionary, Superset exports)."""
    from agrilake.pipeline.generated import regenerate

    stale = regenerate(check=check)
    if json_output:
        print_json({"stale" if check else "written": stale})
    elif not stale:
        console.print("generated files are fresh")
    else:
        for path in stale:
            console.print(f"{'stale' if check else 'wrote'} {path}", highlight=False)
    if check and stale:
        raise typer.Exit(ContractError.exit_code)


@friendly
def new(
    sample_file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file as a department sends it.")],
    department: Annotated[str | None, typer.Option(help="Department code; default: the file's folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the contract; default: standard output.")] = None,
    json_output: JsonOption = False,
) -> None:
    """Propose a contract from a department's file: names, types, units, codes, key and personal columns."""
    from agrilake.catalog.propose import propose_contract

    text = propose_contract(sample_file, department)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    if json_output:
        print_json({"path": out, "contract": text})
    else:
        console.print(str(out) if out else text, highlight=False, markup=False, soft_wrap=True)


@friendly
def sample(
    out: Annotated[Path | None, typer.Option(help="Folder for inbox/ and truth/; default: <home>/sample.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 500112,
    year: Annotated[int, typer.Option(help="The last year that the extracts cover.")] = 2024,
    years: Annotated[int, typer.Option(help="How many years they cover.", min=1)] = 3,
    rows: Annotated[int | None, typer.Option(help="Rows of postal_parcel over all years (to millions).")] = None,
    iot_rows: Annotated[int | None, typer.Option(help="Rows of agri_iot_reading over all years (to millions).")] = None,
    township: Annotated[list[str] | None, typer.Option(help="Only these townships; default: all.")] = None,
    drop: Annotated[bool, typer.Option(help="Copy the extracts into the inbox as well.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Make years of department extracts for the real divisions, dirty on purpose, with the truth beside them."""
    from agrilake.paths import Home
    from agrilake.pipeline.samples import drop as drop_files
    from agrilake.sample import generate as generate_sample
    from agrilake.sample.periods import months_of_years

    home = Home.from_environment()
    target = out or home.root / "sample"
    try:
        with progress_console.status("making sample extracts"):
            months = months_of_years(year - years + 1, year)
            made = generate_sample(
                target, seed=seed, months=months, townships=township or None, parcel_rows=rows, iot_rows=iot_rows
            )
    except (FileExistsError, ValueError) as error:
        raise UsageError(str(error)) from error
    if drop:
        drop_files(made.inbox, home.inbox)
    if json_output:
        print_json({"target": target, **made.totals()})
    else:
        print_table(f"sample in {target}", ("what", "how many"), list(made.totals().items()))
