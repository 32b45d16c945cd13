"""The search for planted persons finds them: in every container, encoding and spelling, and tells places alone."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import pickle
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import openpyxl
import polars as pl
import pytest
from deltalake import write_deltalake
from openpyxl.comments import Comment
from tests.support.searching import Searcher

PHONE, NAME = "13812345678", "汤沐蕤"
SEARCHER = Searcher({"phone": PHONE, "name": NAME})


def delta(path: Path) -> None:
    write_deltalake(str(path), pl.DataFrame({"n": [int(PHONE)], "t": [NAME]}).to_arrow())


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"].comment = Comment(PHONE, NAME)
    book.save(path)


def sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE cache (value BLOB)")
        connection.execute("INSERT INTO cache VALUES (?)", (zlib.compress(pickle.dumps({"rows": [PHONE]})),))


def database(path: Path) -> None:
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("CREATE TABLE t AS SELECT ? || x AS phone FROM (VALUES ('')) v(x)", [PHONE])


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("inner.gz", gzip.compress(f"电话{PHONE}".encode()))


def named(path: Path) -> None:
    path.with_name(f"名单{PHONE}.txt").touch()


def linked(path: Path) -> None:
    path.symlink_to(f"/nowhere/{PHONE}")


CONTAINERS: dict[str, Callable[[Path], object]] = {
    "utf-8": lambda path: path.write_text(f"x{PHONE}y", encoding="utf-8"),
    "gb18030": lambda path: path.write_text(NAME, encoding="gb18030"),
    "utf-16": lambda path: path.write_text(f"见{PHONE}", encoding="utf-16"),
    "full width": lambda path: path.write_text("１３８１２３４５６７８", encoding="gb18030"),
    "in parts": lambda path: path.write_text("138-1234 5678", encoding="utf-8"),
    "unseen": lambda path: path.write_text("138\u200b1234\u200b5678", encoding="utf-8"),
    "spelt": lambda path: path.write_text("一三八一二三四五六七八", encoding="utf-8"),
    "json": lambda path: path.write_text(json.dumps({"说": NAME}), encoding="ascii"),
    "base64": lambda path: path.write_bytes(b"a=" + base64.b64encode(f"ab{PHONE}cd".encode())),
    "hexadecimal": lambda path: path.write_text(NAME.encode().hex(), encoding="ascii"),
    "hash": lambda path: path.write_text(hashlib.sha256(PHONE.encode()).hexdigest(), encoding="ascii"),
    "binary": lambda path: path.write_bytes(b"\x00\xff" * 99 + PHONE.encode() + b"\xfe" * 99),
    "gzip": lambda path: path.write_bytes(gzip.compress(PHONE.encode())),
    "zip": archive,
    "zlib": lambda path: path.write_bytes(zlib.compress(NAME.encode())),
    "xlsx": workbook,
    "parquet": lambda path: pl.DataFrame({"a": [PHONE] * 9}).write_parquet(path, compression="zstd"),
    "delta": delta,
    "sqlite": sqlite,
    "duckdb": database,
    "name": named,
    "link": linked,
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_it_finds_what_was_put_there(kind: str, tmp_path: Path) -> None:
    CONTAINERS[kind](tmp_path / "kept" / kind) if (tmp_path / "kept").mkdir() is None else None
    found = SEARCHER.in_tree(tmp_path)
    assert found, kind
    assert all(place.startswith("kept/") for place in found)
    assert PHONE not in str(found) and NAME not in str(found)
    assert SEARCHER.in_tree(tmp_path, leave_out=["kept"]) == []


def test_statistics_in_the_log_are_seen(tmp_path: Path) -> None:
    delta(tmp_path)
    assert {f"_delta_log/00000000000000000000.json: {name}" for name in ("phone", "name")} <= set(
        SEARCHER.in_tree(tmp_path)
    )


def test_it_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("138****5678，汤**，13812345679", encoding="utf-8")
    pl.DataFrame({"a": ["k1:" + "0" * 32]}).write_parquet(tmp_path / "b.parquet")
    assert SEARCHER.in_tree(tmp_path) == []
