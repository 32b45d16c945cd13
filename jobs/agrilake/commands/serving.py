"""`up` and `down`: the embedded services, and the first run on sample extracts."""

from __future__ import annotations

from typing import Annotated

import typer

from agrilake.commands.output import (
    JsonOption,
    console,
    friendly,
    print_json,
    print_table,
    progress_console,
    telling,
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(down)


@friendly
def up(
    sample: Annotated[bool, typer.Option(help="Drop sample extracts into the inbox of a lake that has none.")] = True,
    json_output: JsonOption = False,
) -> None:
    """Start what does not run, let Airflow take the inbox through, and print addresses and results."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.up import bring_up

    lake = Lake.start()
    with telling(progress_console) as tell:
        result = bring_up(lake, sample, tell)
    if json_output:
        print_json(result)
        return
    print_table("agrilake", ("what", "how many"), result.table())
    for service, address, login, password in result.addresses():
        console.print(f"{service}: {address}\n    {login}, password in {password}", highlight=False, soft_wrap=True)


@friendly
def down(json_output: JsonOption = False) -> None:
    """Stop the services that this home started, and nothing else."""
    from agrilake.paths import Home
    from agrilake.pipeline.up import bring_down

    stopped = bring_down(Home.from_environment().root)
    if json_output:
        print_json({"stopped": stopped})
    else:
        console.print("stopped: " + (", ".join(stopped) or "nothing was running"), highlight=False)
