"""Ways in which a lake can be damaged, each with the check of `agrilake verify` that must find it and its words."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake

from agrilake.lake.files import scan
from agrilake.tables.write import commit_note

SALES, ELDERS = "commerce_ecommerce_sales", "civil_elder"


@dataclass(frozen=True)
class Damage:
    """What is done to a lake's home, the check that finds it, what it says, and whether only `deep` does."""

    name: str
    check: str
    do: Callable[[Path], object]
    said: str
    deep: bool = False


def sql(home: Path, statement: str, *values: Any) -> None:
    """Change the registry behind the lake's back."""
    with closing(sqlite3.connect(home / "state" / "lake.sqlite")) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(statement, values)


def rewrite(path: Path, content: bytes) -> None:
    """Other bytes in a file, whatever its mode."""
    mode = path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(mode)


def a_landed(home: Path) -> Path:
    return min(path for path in (home / "landing").rglob("*") if path.is_file() and not path.name.startswith("."))


def a_commit(home: Path, table: str, version: int) -> Path:
    return home / table / "_delta_log" / f"{version:020d}.json"


def a_data_file(home: Path, table: str) -> Path:
    table_ = DeltaTable(str(home / table))
    return Path(min(table_.file_uris()).removeprefix("file://"))


def without_a_row(home: Path, table: str, **of: Any) -> None:
    """The table, newest version, without one of its rows."""
    frame = scan(home / table)
    assert frame is not None
    rows = frame.collect()
    write_deltalake(str(home / table), rows.tail(rows.height - 1).to_arrow(), mode="overwrite", **of)


def with_other_rows(home: Path, table: str, noted: bool = False, **columns: Any) -> None:
    """The table's rows, the first of them with other values; `noted`: under the note of the commit before, as if it had
    been made so."""
    frame = scan(home / table)
    assert frame is not None
    rows = frame.collect()
    first = rows.head(1).with_columns(pl.lit(value, rows.schema[name]).alias(name) for name, value in columns.items())
    changed = pl.concat([first, rows.tail(rows.height - 1)])
    # a table with constraints takes what it holds already, and nothing of what it must not
    data = changed.to_arrow().cast(DeltaTable(str(home / table)).to_pyarrow_dataset().schema)
    note = CommitProperties(custom_metadata={"userMetadata": json.dumps(commit_note(home / table))}) if noted else None
    write_deltalake(str(home / table), data, mode="overwrite", commit_properties=note)


def a_refused(home: Path) -> str:
    """A delivery that was refused."""
    with closing(sqlite3.connect(home / "state" / "lake.sqlite")) as connection:
        return str(connection.execute("SELECT min(id) FROM delivery WHERE status = 'refused'").fetchone()[0])


def delete(home: Path, table: str, predicate: str) -> None:
    DeltaTable(str(home / table)).delete(predicate)


def append_of_nobody(home: Path, table: str, column: str) -> None:
    frame = scan(home / table)
    assert frame is not None
    row = frame.head(1).collect().with_columns(pl.lit("0123456789abcdef").alias(column))
    write_deltalake(str(home / table), row.to_arrow(), mode="append")


def edit_commit(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def more_rows_said(text: str) -> str:
    """A commit whose statistics say one row more."""
    lines = []
    for line in text.splitlines():
        action = json.loads(line)
        if "add" in action:
            stats = json.loads(action["add"]["stats"])
            action["add"]["stats"] = json.dumps({**stats, "numRecords": stats["numRecords"] + 1})
        lines.append(json.dumps(action))
    return "\n".join(lines) + "\n"


def older(path: Path) -> None:
    """As if it had lain there since yesterday."""
    moment = time.time() - 86_400
    os.utime(path, (moment, moment))


def half_made(home: Path) -> None:
    path = home / "published" / "000009.tmp"
    path.mkdir()
    older(path)


def wrong_checkpoint(home: Path) -> None:
    """A checkpoint of before the newest rows, under the newest version's name."""
    table = home / f"silver/{SALES}"
    version = DeltaTable(str(table)).version()
    with_other_rows(home, f"silver/{SALES}", orders=1)
    kept = home.parent / "kept"
    shutil.move(a_commit(home, f"silver/{SALES}", version + 1), kept)
    DeltaTable(str(table)).create_checkpoint()
    shutil.move(kept, a_commit(home, f"silver/{SALES}", version + 1))
    log = table / "_delta_log"
    (made,) = log.glob("*.checkpoint.parquet")
    made.rename(log / f"{version + 1:020d}.checkpoint.parquet")
    (log / "_last_checkpoint").write_text(json.dumps({"version": version + 1, "size": 5}), encoding="ascii")


COUNT_UP = (
    "UPDATE delivery SET accepted = accepted + 1 WHERE id = (SELECT min(id) FROM delivery WHERE status = 'partial')"
)
OTHER_INDEX = (
    "UPDATE sqlite_master SET sql = 'CREATE INDEX delivery_by_sha ON delivery (period, dataset)' "
    "WHERE name = 'delivery_by_sha'"
)
KEPT = "INSERT INTO lake_version (recorded_at, tables) VALUES ('2024-06-01T00:00:00+00:00', ?)"
WITHDRAWN = (
    "UPDATE delivery SET status = 'withdrawn', records = 0, accepted = 0, quarantined = 0, duplicate = 0 "
    "WHERE id = (SELECT max(id) FROM delivery WHERE dataset = 'civil_elder')"
)
FIRST_LINE = "_line = (SELECT min(_line) FROM t)"


def first_row(home: Path, table: str, *columns: str) -> str:
    """A condition on one row of the table."""
    frame = scan(home / table)
    assert frame is not None
    row = frame.select(columns).drop_nulls().sort(columns).head(1).collect().row(0)
    return " AND ".join(f"{name} = {value!r}" for name, value in zip(columns, row, strict=True))


FILES = [
    Damage("a count was altered", "registry", lambda home: sql(home, COUNT_UP), r"records, but \d+ accepted \+"),
    Damage("an index no longer fits", "registry", lambda home: sql(home, OTHER_INDEX), "SQLite finds"),
    Damage(
        "a landed file is gone", "landing", lambda home: a_landed(home).unlink(), "the file of delivery .* is missing"
    ),
    Damage("a landed file was altered", "landing", lambda home: rewrite(a_landed(home), b"x"), "was altered"),
    Damage(
        "a foreign file in landing",
        "landing",
        lambda home: (
            (home / "landing" / "ab").mkdir(exist_ok=True) or (home / "landing" / "ab" / "cd").write_bytes(b"x")
        ),
        "a file that no delivery names",
    ),
    Damage(
        "a bronze row is gone",
        "rows",
        lambda home: delete(home, f"bronze/{ELDERS}", first_row(home, f"bronze/{ELDERS}", "_delivery_id", "_line")),
        r"bronze holds \d+ rows of \d+ records",
    ),
    Damage(
        "an accepted row is gone",
        "rows",
        lambda home: delete(home, f"accepted/{ELDERS}", first_row(home, f"accepted/{ELDERS}", "_delivery_id", "_line")),
        r"accepted and \d+ quarantined rows are stored, but",
    ),
    Damage(
        "quarantined records are gone",
        "rows",
        lambda home: delete(home, "quarantine", first_row(home, "quarantine", "delivery_id", "line")),
        r"accepted and \d+ quarantined rows are stored, but",
    ),
    Damage(
        "accepted rows of nobody",
        "rows",
        lambda home: append_of_nobody(home, f"accepted/{SALES}", "_delivery_id"),
        "a delivery that the registry does not know",
    ),
    Damage(
        "rows of a withdrawn delivery", "rows", lambda home: sql(home, WITHDRAWN), "withdrawn, but .* rows are there"
    ),
    Damage(
        "a silver row is gone", "silver", lambda home: without_a_row(home, f"silver/{SALES}"), "deliveries add up to"
    ),
    Damage(
        "a silver value was altered",
        "silver",
        lambda home: with_other_rows(home, f"silver/{SALES}", orders=987),
        "1 of .* rows are not what its deliveries add up to",
    ),
    Damage(
        "a register's history was altered",
        "silver",
        lambda home: without_a_row(home, f"silver/{ELDERS}_history"),
        "its history: .* rows",
    ),
    Damage(
        "a commit is gone", "logs", lambda home: a_commit(home, f"silver/{SALES}", 1).unlink(), "commit 1 is missing"
    ),
    Damage(
        "a commit is torn",
        "logs",
        lambda home: edit_commit(a_commit(home, f"silver/{SALES}", 1), lambda text: text[: len(text) // 2]),
        "a log file cannot be read",
    ),
    Damage("a commit is empty", "logs", lambda home: rewrite(a_commit(home, "quarantine", 1), b""), "holds no action"),
    Damage(
        "a table's file is gone",
        "logs",
        lambda home: a_data_file(home, f"silver/{SALES}").unlink(),
        "a file that a kept version needs is missing",
    ),
    Damage(
        "a table's file was cut",
        "logs",
        lambda home: rewrite(a_data_file(home, f"bronze/{SALES}"), b"PAR1"),
        "4 bytes, but the log says",
    ),
    Damage(
        "a table's file is garbage of the same length",
        "logs",
        lambda home: rewrite(f := a_data_file(home, f"accepted/{SALES}"), b"\0" * f.stat().st_size),
        "the file cannot be read",
        deep=True,
    ),
    Damage(
        "the log counts other rows than the file",
        "logs",
        lambda home: edit_commit(a_commit(home, f"accepted/{SALES}", 0), more_rows_said),
        r"\d+ rows, but the log says",
        deep=True,
    ),
    Damage("a checkpoint is wrong", "logs", wrong_checkpoint, "a checkpoint lists other files"),
    Damage(
        "a recorded lake version does not exist",
        "logs",
        lambda home: sql(home, KEPT, json.dumps({f"silver/{SALES}": 99})),
        "version 99 is kept, but the log has 0 to",
    ),
    Damage(
        "a recorded table does not exist",
        "logs",
        lambda home: sql(home, KEPT, json.dumps({"silver/gone": 1})),
        "a kept version's table is gone",
    ),
    Damage(
        "a receipt's page is gone",
        "receipts",
        lambda home: min(home.rglob("outbox/*/*.html")).unlink(),
        "the receipt of",
    ),
    Damage(
        "a receipt's table is gone",
        "receipts",
        lambda home: min(home.rglob("outbox/*/*.csv")).unlink(),
        "the receipt of",
    ),
    Damage("landing is open", "folders", lambda home: (home / "landing").chmod(0o755), r"mode 755, at most 700"),
    Damage("a landed file is open", "folders", lambda home: a_landed(home).chmod(0o444), r"mode 444, at most 600"),
    Damage("something half-made lies about", "folders", half_made, "something half-made"),
    Damage(
        "a line of the audit log was altered",
        "audit",
        lambda home: edit_commit(home / "audit" / "audit.jsonl", lambda text: text.replace("delivered", "read", 1)),
        "a record that was changed",
    ),
    Damage(
        "the audit log is gone",
        "audit",
        lambda home: (home / "audit" / "audit.jsonl").unlink(),
        "missing or empty, although",
    ),
]
"""Damages of a lake that has taken files up to silver."""

FIRST = "publications/000001"


def edit_manifest(home: Path, change: Callable[[dict[str, Any]], object], *folders: str) -> None:
    for folder in folders or (FIRST, "published/000001"):
        path = home / folder / "manifest.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        change(content)
        path.write_text(json.dumps(content), encoding="utf-8")


def other_seal(manifest: dict[str, Any]) -> None:
    manifest["figures"]["seals"]["online_retail_amount"]["sha256"] = "0" * 64


def gap(home: Path) -> None:
    """A third publication without a second."""
    shutil.copytree(home / FIRST, home / "publications" / "000003")
    edit_manifest(home, lambda manifest: manifest.update(version=3), "publications/000003")
    shutil.copytree(home / "published" / "000001", home / "published" / "000003")
    shutil.copyfile(home / "publications" / "000003" / "manifest.json", home / "published" / "000003" / "manifest.json")


def other_figures(home: Path) -> None:
    """A published file in which somebody wrote, with its new sum in the manifest."""
    path = home / FIRST / "analyst.duckdb"
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("UPDATE indicator_value SET value = value + 1 WHERE value IS NOT NULL")


def other_link(home: Path) -> None:
    link = home / "publications" / "current"
    link.unlink()
    link.symlink_to("000000")


PUBLISHED = [
    Damage(
        "what a publication hid is forgotten",
        "publications",
        lambda home: (home / FIRST / "hidden.json").unlink(),
        "what it hid is missing",
    ),
    Damage(
        "what a publication hid was altered",
        "publications",
        lambda home: (home / FIRST / "hidden.json").write_text('{"cells": [], "figures": []}'),
        "what it hid is missing or altered",
    ),
    Damage(
        "a gold row of nobody",
        "gold",
        lambda home: with_other_rows(home, "gold/online_trade", delivery_id="0123456789abcdef"),
        "rows of 1 deliveries that the registry does not know",
    ),
    Damage(
        "a gold row of a refused delivery",
        "gold",
        lambda home: with_other_rows(home, "gold/online_trade", noted=True, delivery_id=a_refused(home)),
        r"rows of 1 deliveries that do not count, among them \w+ \(refused\)",
    ),
    Damage(
        "a gold row that leads to no line",
        "gold",
        lambda home: with_other_rows(home, "gold/online_trade", noted=True, line=999_999),
        "1 rows lead to no accepted line of commerce_ecommerce_sales",
    ),
    Damage(
        "a large silver table lost rows",
        "silver",
        lambda home: delete(home, "silver/postal_parcel", first_row(home, "silver/postal_parcel", "waybill_no")),
        "rows, but its deliveries have .* keys",
    ),
    Damage(
        "a large silver value was altered",
        "silver",
        lambda home: with_other_rows(home, "silver/postal_parcel", _line=999_999),
        "1 of .* rows are not what its deliveries add up to",
        deep=True,
    ),
    Damage(
        "a published file was altered",
        "publications",
        lambda home: (home / FIRST / "leader.duckdb").open("ab").write(b"x"),
        "another than its manifest says",
    ),
    Damage(
        "a published file is gone", "publications", lambda home: (home / FIRST / "leader.duckdb").unlink(), "is missing"
    ),
    Damage(
        "a published file is garbage",
        "publications",
        lambda home: rewrite(home / FIRST / "analyst.duckdb", b"x" * 9999),
        "the file cannot be opened",
    ),
    Damage(
        "a layer was cut",
        "publications",
        lambda home: min((home / FIRST / "layers").iterdir()).write_bytes(b"x"),
        "not as long as its manifest says",
    ),
    Damage(
        "the catalogue is gone",
        "publications",
        lambda home: (home / FIRST / "catalogue.jsonld").unlink(),
        "catalogue is missing",
    ),
    Damage(
        "a manifest is torn",
        "publications",
        lambda home: rewrite(home / FIRST / "manifest.json", b"{"),
        "its manifest cannot be read",
    ),
    Damage("the link is wrong", "publications", other_link, "readers see 000000, the newest publication is 000001"),
    Damage(
        "a published row of nobody",
        "publications",
        lambda home: sql(home, "DELETE FROM delivery WHERE dataset = 'commerce_ecommerce_sales'"),
        r"rows of \d deliveries that the registry does not know",
    ),
    Damage("a record is gone", "records", lambda home: shutil.rmtree(home / "published" / "000001"), "left no record"),
    Damage(
        "a record was altered",
        "records",
        lambda home: edit_manifest(home, lambda manifest: manifest.update(made_at="2020-01-01"), "published/000001"),
        "the record is another than the publication's manifest",
    ),
    Damage(
        "a record is torn",
        "records",
        lambda home: rewrite(home / "published/000001/manifest.json", b"{"),
        "cannot be read",
    ),
    Damage("a record between is gone", "records", gap, "the record of a publication is missing"),
    Damage(
        "a recipe was altered",
        "records",
        lambda home: min((home / "published" / "recipes").iterdir()).write_text("{}"),
        "recipe of publication 1 is missing or was altered",
    ),
    Damage("a seal is broken", "records", lambda home: edit_manifest(home, other_seal), "others than were shown"),
    Damage("published figures were altered", "records", other_figures, "its figures are others than were published"),
    Damage(
        "a published file is open",
        "folders",
        lambda home: (home / FIRST / "leader.duckdb").chmod(0o644),
        "mode 644, at most 640",
    ),
]
"""Damages of a lake that was published."""
