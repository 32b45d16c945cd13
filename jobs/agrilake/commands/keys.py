"""`key`: what the key file holds and what is made by it, another key, encryption at rest."""

from __future__ import annotations

from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table

COLUMNS = ("key", "algorithm", "made", "current", "values", "silver tables", "landed files", "bronze deliveries")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The key file: tokens, rotation, encryption at rest (docs/keys.md).")
    group.command()(show)
    group.command()(new)
    group.command()(rotate)
    group.command()(seal)
    group.command()(identity)
    group.command()(whose)
    app.add_typer(group, name="key")


@friendly
def show(json_output: JsonOption = False) -> None:
    """Which keys there are, when they were made, and how much is made by each; never a key itself."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.rotation import key_use

    found = key_use(Lake.start())
    if json_output:
        print_json(found)
        return
    rows = [
        (
            *(item.key_id, item.algorithm, item.made_at or None, "✓" if item.is_current else ""),
            *(item.values, item.tables, item.files, item.deliveries),
        )
        for item in found
    ]
    print_table("Keys", COLUMNS, rows)


@friendly
def new() -> None:
    """Make the key file where none is; an existing one is never replaced."""
    from agrilake.intake.keys import KeyRing, create_key, key_path, refuse_place
    from agrilake.paths import Home

    home = Home.from_environment()
    refuse_place(key_path(), home)
    path = create_key()
    KeyRing.from_file(path, home)
    console.print(
        f"{path}: keep it as long as the lake, and a copy of it away from the lake's backups", highlight=False
    )


@friendly
def rotate(
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    by: Annotated[str, typer.Option(help="Who does it.", envvar="AGRILAKE_STEWARD")] = "",
    json_output: JsonOption = False,
) -> None:
    """Make another key and raise all stored tokens to it; every link holds. Ends a rotation that was cut off."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.rotation import rotate as to_another_key

    done = to_another_key(Lake.start(), by, reason)
    if json_output:
        print_json(done)
        return
    tables = ", ".join(done.tables) or "no table"
    console.print(f"{done.key_id}: {done.deliveries} deliveries and {tables} raised to it", highlight=False)
    console.print("The next run brings gold and the publication up to date.", highlight=False)


@friendly
def seal(json_output: JsonOption = False) -> None:
    """Encrypt what lies plain, or under an older key, in landing and bronze of personal datasets."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.sealing import seal as seal_all

    done = seal_all(Lake.start())
    if json_output:
        print_json(done)
        return
    text = f"{done.files} files and {done.deliveries} deliveries encrypted, {done.tables} plain tables removed"
    console.print(text, highlight=False)


@friendly
def identity(key_id: Annotated[str, typer.Argument(help="The key, such as k1.")]) -> None:
    """Print the age identity that opens the landed files of a key, for a recovery without this program: a secret."""
    from agrilake.intake.sealed import identity_text
    from agrilake.lake import audit
    from agrilake.pipeline.context import Lake

    lake = Lake.start()
    text = identity_text(lake.ring.key(key_id))
    audit.record(lake.home, "read", f"key {key_id}")
    console.print(text, highlight=False)


@friendly
def whose(
    token: Annotated[str, typer.Argument(help="A token of a published file, such as y2024-….")],
    json_output: JsonOption = False,
) -> None:
    """Which delivered lines a token of a published file stands for; the question is recorded."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.whose import whose as lines_of

    found = lines_of(Lake.start(), token)
    if json_output:
        print_json(found)
        return
    rows = [(item.title, item.column, item.file_name, item.sheet, item.line, item.delivery_id) for item in found]
    print_table(f"{token}：{len(found)} 行", ("数据集", "列", "文件", "工作表", "行", "批次"), rows)
