"""Delimited text: the csv module's reading of well-formed files, and no line lost of ill-formed ones."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agrilake.contract.model import Column, Dataset, Frequency, Load, LogicalType
from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile
from agrilake.intake.decode import Text, decoded
from agrilake.intake.delimited import DELIMITERS, read_text
from agrilake.intake.raw import RawTable

LIMITS = Limits(max_cell_chars=60)
HEADERS = ("编号", "名称", "数量")


def three_columns() -> Dataset:
    kinds = (LogicalType.STRING, LogicalType.STRING, LogicalType.STRING)
    columns = tuple(
        Column(name, title, "", kind, required=True, primary_key=name == "code")
        for name, title, kind in zip(("code", "name", "amount"), HEADERS, kinds, strict=True)
    )
    return Dataset(
        "agri_thing", "agri", "物品", "", "1.0.0", "active", Load.UPSERT, Frequency.MONTH, columns, Path("thing.yaml")
    )


DATASET = three_columns()


def read(data: str, *, block: int = 1 << 20, fast: bool = True, limits: Limits = LIMITS) -> RawTable:
    text = Text(io.BytesIO(data.encode("utf-8")), 0, "utf-8")
    return read_text(text, DATASET, limits, block=block, fast=fast)


def rows_of(table: RawTable) -> list[tuple[str, ...]]:
    return [tuple(value or "" for value in row) for row in table.frame.select("code", "name", "amount").rows()]


def cells(delimiter: str) -> st.SearchStrategy[str]:
    """Any text; a cell with line ends holds no delimiter (else its inside may look like records, see below)."""
    one_line = st.text(alphabet=f'ab1村"é {delimiter}', max_size=6)
    return one_line | st.text(alphabet='a村" \n', max_size=6)


@st.composite
def well_formed(draw: st.DrawFn) -> tuple[str, str]:
    delimiter = draw(st.sampled_from(DELIMITERS))
    rows = draw(st.lists(st.lists(cells(delimiter), min_size=3, max_size=3), min_size=1, max_size=12))
    target = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(target, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([HEADERS, *rows])
    return target.getvalue(), delimiter


@settings(max_examples=80, deadline=None)
@given(well_formed(), st.sampled_from([7, 40, 1 << 20]))
def test_reads_well_formed_files_as_the_csv_module_does(file: tuple[str, str], block: int) -> None:
    data, delimiter = file
    expected = [tuple(row) for row in csv.reader(io.StringIO(data, newline=""), delimiter=delimiter, strict=True)]
    filled = [row for row in expected[1:] if any(cell.strip() for cell in row)]
    try:
        table = read(data, block=block)
    except RefusedFile as refusal:
        assert refusal.code == "header_only" and not filled
        return
    assert rows_of(table) == [tuple(cell.replace("\r\n", "\n") for cell in row) for row in filled]
    assert not table.broken


LINES = st.lists(
    st.text(alphabet='ab,"\r 合计注：', max_size=9) | st.just("x,y,z") | st.just('"x","y","z"'), max_size=14
)


@settings(max_examples=100, deadline=None)
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
@example(['a,"b,c', "x,y,z", 'x,"y",z'], "\n", True)
@example(['a,"b', 'c",d'], "\n", False)
def test_blocks_and_ways_do_not_matter_and_no_line_is_lost(lines: list[str], end: str, closed: bool) -> None:
    data = end.join([",".join(HEADERS), "k,l,m", *lines]) + (end if closed else "")
    tables = [read(data, block=block, fast=fast) for block in (5, 33, 1 << 20) for fast in (True, False)]
    first = tables[0]
    for table in tables[1:]:
        assert table.frame.equals(first.frame, null_equal=True)
        assert table.broken == first.broken
        assert table.set_aside == first.set_aside
    seen = set(first.frame["_line"]) | {item.line for item in first.broken} | {item.line for item in first.set_aside}
    assert min(seen) == 1 and len(seen) == first.frame.height + len(first.broken) + len(first.set_aside)


def test_line_numbers_stay_physical_after_quoted_line_ends() -> None:
    table = read('编号,名称,数量\n1,"甲\n乙\n丙",3\n2,丁,4\n')
    assert table.frame["_line"].to_list() == [2, 5]
    assert table.frame["name"][0] == "甲\n乙\n丙"


def test_a_quote_that_is_never_closed_breaks_its_own_line_alone() -> None:
    table = read('编号,名称,数量\n1,"甲,3\n2,乙,4\n3,丙,5\n')
    assert [(item.line, item.rule) for item in table.broken] == [(2, "unbalanced_quote")]
    assert table.frame["_line"].to_list() == [3, 4]


def test_a_quote_that_swallows_records_up_to_another_one_breaks_its_own_line_alone() -> None:
    table = read('编号,名称,数量\n1,"甲,3\n2,乙,4\n3,"丙",5\n4,丁,6\n')
    assert [item.line for item in table.broken] == [2]
    assert table.frame["code"].to_list() == ["2", "3", "4"]


def test_two_quotes_that_would_enclose_records_are_not_believed() -> None:
    table = read('编号,名称,数量\n1,"甲,3\n2,乙,4\n3,丙",5\n')
    assert [(item.line, item.rule) for item in table.broken] == [(2, "unbalanced_quote")]
    assert table.frame["_line"].to_list() == [3, 4]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("2,乙", "field_count"),
        ("2,乙,3,4", "field_count"),
        ('2,"乙"丙,3', "bad_quote"),
        (f"2,{'长' * 61},3", "long_cell"),
    ],
)
def test_a_record_that_cannot_be_split_is_broken_with_its_line(line: str, rule: str) -> None:
    table = read(f"编号,名称,数量\n1,甲,3\n{line}\n4,丁,6\n")
    assert [(item.line, item.rule) for item in table.broken] == [(3, rule)]
    assert table.records == 3


def test_empty_fields_at_the_end_may_be_too_many() -> None:
    table = read("编号,名称,数量\n1,甲,3,,\n2,乙,4\n")
    assert rows_of(table) == [("1", "甲", "3"), ("2", "乙", "4")]
    table = read("编号,名称,数量,,\n1,甲,3\n2,乙,4,,\n")
    assert rows_of(table) == [("1", "甲", "3"), ("2", "乙", "4")]


def test_a_value_under_no_header_is_kept_in_extra() -> None:
    table = read("编号,名称,数量,\n1,甲,3,孤\n2,乙,4,\n")
    assert table.frame["_extra"].to_list() == ['{"第4列":"孤"}', '{"第4列":null}']


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_delimiter_is_the_one_that_makes_the_header(delimiter: str) -> None:
    data = "本表由系统导出，共 2 行; 单位|元\n" + "\n".join(delimiter.join(row) for row in (HEADERS, ("1", "甲", "3")))
    table = read(data)
    assert table.delimiter == delimiter
    assert rows_of(table) == [("1", "甲", "3")]


def test_too_many_columns_are_refused_before_the_header_is_sought() -> None:
    with pytest.raises(RefusedFile) as caught:
        read(",".join(f"列{at}" for at in range(3000)) + "\n" + "," * 2999)
    assert caught.value.code == "too_many_columns"


def test_a_file_of_blank_lines_is_empty() -> None:
    with pytest.raises(RefusedFile) as caught:
        read("\n,,\n  \n")
    assert caught.value.code == "empty_file"


def test_old_macintosh_line_ends() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mac.csv"
        path.write_bytes("编号,名称,数量\r1,甲,3\r2,乙,4\r".encode("gb18030"))
        with decoded(path, "gb18030", LIMITS) as text:
            table = read_text(text, DATASET, LIMITS)
    assert table.frame["_line"].to_list() == [2, 3]
