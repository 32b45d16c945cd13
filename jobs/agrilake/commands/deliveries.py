"""`check`, `receipts`, `receipt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import RefusedFile, UsageError

SHOWN_LINES = 50


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    app.command()(receipts)
    app.command()(receipt)


@friendly
def check(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A department's file, named as in the inbox.")
    ],
    json_output: JsonOption = False,
) -> None:
    """A dry run of the intake: what the receipt would say. Nothing is stored."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.intake import check_only

    lake = Lake.open()
    delivery, _, checked = check_only(lake, file)
    findings = [] if checked is None else checked.findings.drop("delivery_id").to_dicts()
    if json_output:
        print_json({"delivery": delivery, "findings": findings})
    else:
        print_table(
            f"{delivery.file_name}: {delivery.status}",
            ("读到", "接收", "退回", "重复"),
            [(delivery.records, delivery.accepted, delivery.quarantined, delivery.duplicate)],
        )
        if delivery.layout:
            layout = lake.registry.get(delivery.dataset).layout(delivery.period)
            console.print(f"按数据规范 {layout.edition}检查。", highlight=False)
        if delivery.reason:
            console.print(f"{delivery.reason} {delivery.remedy or ''}", highlight=False)
        rows = [(item["line"], item["column_title"], item["found"], item["reason"]) for item in findings[:SHOWN_LINES]]
        if rows:
            print_table("退回的行", ("行", "列", "填的是", "原因与改法"), rows)
        if len(findings) > SHOWN_LINES:
            console.print(f"另有 {len(findings) - SHOWN_LINES} 处，用 --json 查看全部。")
    if delivery.status == "refused":
        raise typer.Exit(RefusedFile.exit_code)


@friendly
def receipts(
    dataset: Annotated[str | None, typer.Option(help="Only this dataset.")] = None,
    json_output: JsonOption = False,
) -> None:
    """All deliveries with their counts."""
    from agrilake.pipeline.context import Lake

    lake = Lake.open()
    found = lake.state.deliveries(lake.registry.get(dataset).id if dataset else None)
    if json_output:
        print_json(found)
        return
    rows = [
        (i.id[:8], i.file_name, i.status, i.records, i.accepted, i.quarantined, i.duplicate, i.reason or "")
        for i in found
    ]
    print_table("receipts", ("id", "file", "status", "read", "accepted", "quarantined", "duplicate", "reason"), rows)


@friendly
def receipt(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="A delivery's id, or its first characters.")],
    json_output: JsonOption = False,
) -> None:
    """One delivery: its counts, its problems by line, and where its receipt lies."""
    import polars as pl

    from agrilake.intake.receipt import receipt_paths
    from agrilake.lake.files import scan
    from agrilake.pipeline.context import Lake

    lake = Lake.open()
    delivery = lake.state.delivery(delivery_id)
    if delivery is None:
        raise UsageError(f"no single delivery begins with {delivery_id!r}; `agrilake receipts` lists them")
    quarantine = scan(lake.home.table("quarantine"))
    findings = []
    if quarantine is not None:
        found = quarantine.filter(pl.col("delivery_id") == delivery.id).sort("line", "column")
        findings = found.collect().to_dicts()
    paths = receipt_paths(lake.home, delivery)
    if json_output:
        print_json({"delivery": delivery, "findings": findings, "html": paths.html, "csv": paths.csv})
        return
    counts = (delivery.records, delivery.accepted, delivery.quarantined, delivery.duplicate)
    print_table(f"{delivery.file_name}: {delivery.status}", ("读到", "接收", "退回", "重复"), [counts])
    if delivery.reason:
        console.print(f"{delivery.reason} {delivery.remedy or ''}", highlight=False)
    rows = [(item["line"], item["column_title"], item["found"], item["reason"]) for item in findings[:SHOWN_LINES]]
    if rows:
        print_table("退回的行", ("行", "列", "填的是", "原因与改法"), rows)
    console.print(f"{paths.html}", highlight=False, soft_wrap=True)
