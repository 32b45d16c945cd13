"""Personal numbers of a lake's own files, and every place outside the restricted zones where one of them lies."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.support.searching import tables_in, unpacked

from agrilake.contract.load import load_registry
from agrilake.lake.files import scan

NUMBER = re.compile(rb"(?<![0-9])[0-9]{11,19}[Xx]?(?![0-9])")
KINDS = ("id_no", "phone", "bank_card")
RESTRICTED = ("inbox", "landing", "bronze")


def personal_numbers(home: Path) -> frozenset[bytes]:
    """Resident ids, phones and cards that departments sent, as bronze has them."""
    found: set[bytes] = set()
    for dataset in load_registry().datasets.values():
        names = [column.name for column in dataset.columns if column.pii in KINDS]
        table = scan(home / "bronze" / dataset.id) if names else None
        for name in names if table is not None else ():
            texts = table.select(name).drop_nulls().collect()[name]
            found |= {number for text in texts for number in NUMBER.findall(text.encode())}
    return frozenset(found)


def leaks(folder: Path, numbers: Collection[bytes], leave_out: Collection[str] = RESTRICTED) -> list[str]:
    """Files under the folder that hold one of the numbers, with how many; parts of it in `leave_out` are not looked
    into. Packed and encoded files are unpacked; tables and databases are read."""
    found = []
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if place.parts[0] not in leave_out and path.is_file() and not path.is_symlink():
            held = {number for part in _parts(path) for number in NUMBER.findall(part) if number in numbers}
            found += [f"{place}: {len(held)} personal numbers"] if held else []
    return found


def _parts(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    yield content
    yield from unpacked(content)
    for text in tables_in(path, content):
        yield text.encode()
