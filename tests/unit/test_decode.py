"""Decoding: the right encoding of the whole file, or the line where it goes wrong."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.decode import decoded

LIMITS = Limits(max_line_bytes=100_000)
TABLE = "农户编号,户主姓名\nH1,张喆\nH2,㐂𠮷\n"


def read(
    folder: Path, data: bytes, declared: str = "gb18030", limits: Limits = LIMITS, block: int = 64
) -> tuple[str, str]:
    path = folder / "file.csv"
    path.write_bytes(data)
    with decoded(path, declared, limits, folder) as text:
        content = "\n".join(item.text for item in text.blocks(block))
        return content, text.encoding


def refusal(folder: Path, data: bytes, declared: str = "gb18030", limits: Limits = LIMITS) -> RefusedFile:
    with pytest.raises(RefusedFile) as caught:
        read(folder, data, declared, limits)
    return caught.value


@pytest.mark.parametrize("declared", ["gb18030", "utf-8"])
@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_gives_the_same_text(
    tmp_path: Path, encoding: str, expected: str, declared: str, end: str
) -> None:
    data = TABLE.replace("\n", end).encode(encoding)
    assert read(tmp_path, data, declared) == (TABLE.rstrip("\n"), expected)


def test_four_byte_characters_are_in_the_gb18030_sample() -> None:
    assert len("㐂".encode("gb18030")) == 4 and len("𠮷".encode("gb18030")) == 4


def test_where_both_are_possible_the_contract_decides(tmp_path: Path) -> None:
    ambiguous = "name\n联通\n".encode("gbk")
    assert read(tmp_path, ambiguous, "gb18030")[0] == "name\n联通"
    assert read(tmp_path, "area\n1 m²\n".encode(), "utf-8")[0] == "area\n1 m²"


def test_ascii_is_utf_8(tmp_path: Path) -> None:
    assert read(tmp_path, b"a,b\n1,2", "gb18030") == ("a,b\n1,2", "utf-8")


UTF8, GB = "某镇某村,李四\n".encode(), "某镇某村,王五\n".encode("gb18030")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (GB * 3 + UTF8 + GB, 4),
        (UTF8 * 2 + GB, 3),
        (b"id,name\n" + GB + UTF8, 3),
        (b"\xef\xbb\xbf" + UTF8 + b"1,2\n" + GB, 3),
        (GB * 2 + b"a,\xff\xff\n", 3),
        (UTF8 * 5 + UTF8[:1], 6),
        (GB * 5 + GB[:1], 6),
        (GB * 30_000 + UTF8 + GB, 30_001),
    ],
)
def test_mixed_encodings_name_the_line(tmp_path: Path, data: bytes, line: int) -> None:
    found = refusal(tmp_path, data, limits=Limits())
    assert (found.code, found.line) == ("mixed_encoding", line)
    assert "王五" not in found.reason


def test_a_rare_name_in_gb18030_is_not_taken_for_utf_8(tmp_path: Path) -> None:
    text = "".join(
        f"{number},{name}\n" for number, name in enumerate(["张喆", "朱镕", "陶堃", "㛃", "囍", "犇鑫"] * 50)
    )
    assert read(tmp_path, text.encode("gb18030"))[0] == text.rstrip("\n")


def test_half_a_character_of_utf_16(tmp_path: Path) -> None:
    found = refusal(tmp_path, TABLE.encode("utf-16")[:-1])
    assert (found.code, found.line) == ("mixed_encoding", 3)


@pytest.mark.parametrize("data", [b"a,b\n1,\x002\n", "编号\n甲\0\n".encode("gb18030"), "a\nb\0\n".encode("utf-16")])
def test_nul_bytes_name_the_line(tmp_path: Path, data: bytes) -> None:
    found = refusal(tmp_path, data)
    assert (found.code, found.line) == ("nul_bytes", 2)


@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
def test_a_line_that_is_too_long_names_itself(tmp_path: Path, encoding: str) -> None:
    found = refusal(tmp_path, ("a,b\n" + "x" * 300_000 + "\nc,d\n").encode(encoding))
    assert (found.code, found.line) == ("long_line", 2)


def test_a_line_of_50_mb_is_refused_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("wb") as target:
        target.write(b"a,b\n")
        for _ in range(50):
            target.write(b"x" * 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(RefusedFile, match="long_line"), decoded(path, "utf-8", Limits()):
            pass
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(alphabet="村镇a1,㐂é\"'", max_size=8), min_size=1, max_size=8),
    st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
    st.integers(3, 50),
)
def test_lines_and_their_numbers_survive_any_block_size(lines: list[str], encoding: str, block: int) -> None:
    heading = "农户编号,名称"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.csv"
        path.write_bytes("\r\n".join([heading, *lines]).encode(encoding))
        with decoded(path, "gb18030", LIMITS) as text:
            numbered = [
                (item.first_line + at, line) for item in text.blocks(block) for at, line in enumerate(item.lines)
            ]
    expected = list(enumerate([heading, *lines], 1))
    assert numbered == (expected if lines[-1] else expected[:-1])
