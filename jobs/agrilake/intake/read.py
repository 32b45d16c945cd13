"""Reading one file, whatever it really is, into a RawTable. Pure but for the file that it reads."""

from __future__ import annotations

from pathlib import Path

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.contract.settings import Limits
from agrilake.intake.decode import decoded
from agrilake.intake.delimited import read_text
from agrilake.intake.limits import check_size
from agrilake.intake.raw import RawTable
from agrilake.intake.sniff import kind_of
from agrilake.intake.workbook import read_workbook


def read_file(
    path: Path, dataset: Dataset, limits: Limits, registry: Registry | None = None, *, scratch: Path | None = None
) -> RawTable:
    """All records of a file as text, every physical line accounted for.

    The kind is told from the bytes (a landed file has no extension). `registry` tells which dataset or layout a
    mistaken file belongs to; `scratch` is where a GB18030 or UTF-16 file is transcoded (a nameless file).
    Raises RefusedFile with codes empty_file, header_only, no_header, wrong_dataset, wrong_layout, bad_workbook,
    encrypted_workbook, nul_bytes, mixed_encoding, duplicate_header, missing_columns, too_large,
    too_many_columns, too_many_broken, long_line, unreadable, zip_bomb, unsupported_format, unit_conflict;
    ConsistencyError if the reader itself lost a line.
    """
    check_size(path, limits)
    kind = kind_of(path)
    others = _others(dataset, registry) if registry else ()
    if kind == "text":
        with decoded(path, dataset.encoding, limits, scratch) as text:
            return read_text(text, dataset, limits, others)
    return read_workbook(path, kind, dataset, limits, others)


def _others(dataset: Dataset, registry: Registry) -> tuple[Dataset, ...]:
    """All datasets, and the earlier layouts of this one."""
    today = registry.datasets.get(dataset.id)
    return (*registry.datasets.values(), *(today.earlier if today else ()))
