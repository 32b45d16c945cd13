"""Files that want all the memory there is: refused or taken within what a process may have."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.corpus import hostile
from tests.support.intake import reference_lake

ADDRESS_SPACE = 4_000_000_000
"""A limit of the system for the child; threads reserve most of it without ever using it."""
RESIDENT = 600_000_000
"""What it may really use, its libraries (110 MB) and the division tables with it."""
SECONDS = 60.0
XLSX, CSV = "agri_farm_household__2024-01__{}.xlsx", "agri_farm_household__2024-01__{}.csv"
HOSTILE: dict[str, tuple[str, Any, str | None]] = {
    CSV.format("一行二百兆"): ("long_line", 200_000_000, "long_line"),
    CSV.format("一格十二兆"): ("one_cell", 12_000_000, "too_many_broken"),
    CSV.format("两万列"): ("columns", 20_000, "too_many_columns"),
    CSV.format("空行二百万"): ("lines", 2_000_000, None),
    CSV.format("引号十二万"): ("quotes", 120_000, "too_many_broken"),
    CSV.format("全错十五万行"): ("wrong", 150_000, "mostly_wrong"),
    CSV.format("长列名"): ("long_titles", 6_000, None),
    XLSX.format("炸弹"): ("zip_bomb", 100_000_000, "zip_bomb"),
    XLSX.format("文本炸弹"): ("strings_bomb", 100_000_000, "zip_bomb"),
    XLSX.format("谎报"): ("lying_zip", 40_000_000, "bad_workbook"),
    XLSX.format("成员三千"): ("members", 3_000, "zip_bomb"),
    XLSX.format("末列两万"): ("far_cells", 20_000, "too_many_columns"),
    XLSX.format("单元格千万"): ("many_cells", 110_000, "too_large"),
    XLSX.format("一文四万格"): ("shared_text", 40_000, "too_large"),
    XLSX.format("嵌套十万层"): ("deep", 100_000, None),
    XLSX.format("三百张表"): ("sheets_of", 300, None),
}
"""File name -> its maker in `hostile`, the maker's argument, and the code of its refusal (None: it is taken)."""


@pytest.fixture(scope="module")
def checked() -> Iterator[dict[str, list[Any]]]:
    with tempfile.TemporaryDirectory(prefix="agrilake-hostile-") as folder:
        root = Path(folder)
        reference_lake(root / "home")
        for name, (maker, argument, _) in HOSTILE.items():
            (root / name).write_bytes(getattr(hostile, maker)(argument))
        command = [sys.executable, "-m", "tests.corpus.limited", str(root / "home"), str(ADDRESS_SPACE)]
        done = subprocess.run(
            [*command, *(str(root / name) for name in HOSTILE)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        yield {line[0]: line for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize(("name", "expected"), [(name, code) for name, (_, _, code) in HOSTILE.items()])
def test_a_hostile_file_stays_within_the_limits(name: str, expected: str | None, checked: dict[str, list[Any]]) -> None:
    _, status, code, records, peak, seconds = checked[name]
    assert (status == "refused", code) == (expected is not None, expected)
    assert (records > 0) == (expected is None)
    assert peak < RESIDENT
    assert seconds < SECONDS
