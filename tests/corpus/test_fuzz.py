"""Made-up files against what must hold for every file. AGRILAKE_FUZZ_EXAMPLES=5000 tries more of them, new ones."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.corpus.generated import BAD, Table, manifests, mutated, names, seeds, tables
from tests.corpus.words import CARDS, IDS, PHONES
from tests.support.intake import reference_lake

from agrilake.contract.load import load_registry
from agrilake.errors import RefusedFile
from agrilake.intake.dates import period_bounds
from agrilake.intake.manifest import manifest_path
from agrilake.intake.names import parse_name
from agrilake.intake.raw import LINE, RawTable
from agrilake.intake.receipt import write_receipt
from agrilake.intake.rows import Checked
from agrilake.lake.state import Delivery
from agrilake.pipeline.context import Lake
from agrilake.pipeline.intake import check_only

FEW = 40
EXAMPLES = int(os.environ.get("AGRILAKE_FUZZ_EXAMPLES", FEW))
BUDGET = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == FEW,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own is made there
PERSONAL = re.compile(rf"(?<!\d)(?:{'|'.join((*IDS, *PHONES, *CARDS))})(?!\d)")
SPAN = 201
"""Lines that one record may have."""


Check = Callable[[str, bytes], tuple[Delivery, RawTable | None, Checked | None]]


@pytest.fixture(scope="module")
def check() -> Iterator[Check]:
    """What the intake says of a file; its receipt is written and looked through."""
    with tempfile.TemporaryDirectory(prefix="agrilake-fuzz-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        lake = reference_lake(Path(folder) / "home")
        yield lambda name, data: checked(lake, name, data)


def checked(lake: Lake, name: str, data: bytes) -> tuple[Delivery, RawTable | None, Checked | None]:
    path = lake.home.root / name
    path.write_bytes(data)
    try:
        delivery, raw, rows = check_only(lake, path)
    finally:
        path.unlink()
    dataset = lake.registry.get(delivery.dataset) if delivery.dataset else None
    receipt = write_receipt(lake.home, delivery, rows, raw, dataset)
    page, table = receipt.html.read_text("utf-8"), receipt.csv.read_text("utf-8-sig")
    assert "Traceback" not in page + table
    assert not PERSONAL.search(page + table)
    receipt.html.unlink()
    receipt.csv.unlink()
    return delivery, raw, rows


@BUDGET
@given(file=mutated(seeds()))
def test_a_broken_file_is_taken_as_it_is_or_refused_in_words(file: tuple[str, bytes], check: Check) -> None:
    name, data = file
    delivery, raw, rows = check(name, data)
    if delivery.status == "refused":
        assert delivery.code
        assert re.search("[一-龥]", delivery.reason or "")
        assert re.search("[一-龥]", delivery.remedy or "")
        return
    assert raw is not None
    assert rows is not None
    assert delivery.records == delivery.accepted + delivery.quarantined + delivery.duplicate == raw.records
    assert rows.accepted.height == delivery.accepted
    taken = rows.source.filter(pl.col(LINE).is_in(rows.accepted[LINE].to_list()))
    if raw.encoding is not None:
        assert_in_file(data, raw, taken)


def assert_in_file(data: bytes, raw: RawTable, rows: pl.DataFrame) -> None:
    """Every cell of the rows stands in the file, on its own line or on those that its record reaches over."""
    encoding = "utf-16" if raw.encoding == "utf-16" else raw.encoding or ""
    text = data.decode(encoding)
    if "\n" not in text:
        text = text.replace("\r", "\n")
    lines = text.replace("\r\n", "\n").split("\n")
    for row in rows.select(LINE, *raw.headers).iter_rows(named=True):
        line = row.pop(LINE)
        near = "\n".join(lines[line - 1 : line - 1 + SPAN])
        for cell in row.values():
            assert cell is None or cell in near or cell.replace('"', '""') in near, (line, cell)


@BUDGET
@given(table=tables())
def test_a_row_is_taken_with_its_very_values_or_quarantined_at_its_bad_cells(table: Table, check: Check) -> None:
    delivery, raw, rows = check(f"{table.name}.csv", table.data)
    assert raw is not None, (delivery.code, delivery.reason)
    assert rows is not None
    wrong = [{name for name, meaning in row.items() if meaning is BAD} for row in table.rows]
    good = [row for row, bad in zip(table.rows, wrong, strict=True) if not bad]
    assert (delivery.records, delivery.accepted, delivery.quarantined) == (
        len(table.rows), len(good), len(table.rows) - len(good),
    )  # fmt: skip
    first = raw.frame[LINE].min()
    assert isinstance(first, int)
    found = rows.findings.filter(severity="error").select("line", "column").unique().rows()
    blamed = [{column for line, column in found if line == first + at} for at in range(len(table.rows))]
    assert blamed == wrong
    for name in table.rows[0]:
        values = rows.accepted[name]
        assert [plain(value) for value in values] == [plain(row[name], values.dtype) for row in good], name


@BUDGET
@given(name=names, manifest=st.none() | manifests)
def test_a_name_and_a_manifest_say_what_a_file_is_or_are_refused_in_words(
    name: str, manifest: dict[str, Any] | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "agri" / name
    path.parent.mkdir(exist_ok=True)
    beside = manifest_path(path)
    if manifest is not None:
        with suppress(UnicodeEncodeError):  # half a surrogate pair, which no file system has
            beside.write_text(json.dumps(manifest), encoding="utf-8")
    try:
        found = parse_name(path, load_registry())
    except RefusedFile as refusal:
        assert re.search("[一-龥]", refusal.reason + refusal.remedy)
    else:
        assert found.period.isascii()
        assert period_bounds(found.period)
        assert found.kind == "base" or found.mends
        assert found.rows is None or found.rows == (manifest or {})["rows"]
    finally:
        with suppress(UnicodeEncodeError):
            beside.unlink(missing_ok=True)


def plain(value: Any, kind: pl.DataType | None = None) -> Any:
    """Numbers by their value, days as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Decimal | int) or (kind is not None and kind.is_numeric()):
        return Decimal(value)
    return str(value)
