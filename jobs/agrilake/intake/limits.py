"""Limits before parsing: nothing about a file is believed until its size, lines and cells are known to be sane."""

from __future__ import annotations

from pathlib import Path

from agrilake.contract.settings import Limits
from agrilake.errors import RefusedFile

MEGABYTE = 1_000_000
PROBLEMS_ONE_IN = 4


def readable(size: int) -> str:
    """Bytes as a Chinese reader expects them: 3.2 MB."""
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE / 10 else f"{size} 字节"


def check_size(path: Path, limits: Limits) -> int:
    """Bytes of the file; raises RefusedFile empty_file, too_large or unreadable."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise unreadable(error) from error
    if size == 0:
        raise RefusedFile("empty_file", "文件是空的（0 字节）。", "请重新导出后再放入收件箱。")
    if size > limits.max_bytes:
        raise too_large(size, limits)
    return size


def too_large(size: int, limits: Limits) -> RefusedFile:
    """The file has more bytes than allowed."""
    return RefusedFile(
        "too_large",
        f"文件有 {readable(size)}，超过上限 {readable(limits.max_bytes)}。",
        "请按月份或按镇街拆成几个文件分别报送。",
    )


def unreadable(error: OSError) -> RefusedFile:
    """The operating system does not let us read the file."""
    return RefusedFile(
        "unreadable",
        f"文件打不开（{error.strerror or type(error).__name__}）。",
        "请检查文件权限，或重新复制一份放入收件箱。",
    )


def long_line(line: int, limits: Limits) -> RefusedFile:
    """A physical line is longer than any record can be."""
    return RefusedFile(
        "long_line",
        f"第 {line} 行长度超过 {readable(limits.max_line_bytes)}，不是正常的表格行。",
        "请检查换行是否丢失，重新导出后报送。",
        line=line,
    )


def check_columns(columns: int, limits: Limits, line: int | None = None) -> None:
    """Raises RefusedFile too_many_columns."""
    if columns > limits.max_columns:
        raise RefusedFile(
            "too_many_columns",
            f"表格有 {columns} 列，超过上限 {limits.max_columns} 列。",
            "请用本数据集的模板填报，只保留需要的列。",
            line=line,
        )


def too_many_cells(cells: int, limits: Limits) -> RefusedFile:
    """A workbook that would cost more memory than a table of text files of its rows."""
    return RefusedFile(
        "too_large",
        f"工作簿约有 {cells} 个单元格，超过上限 {limits.max_cells} 个。",
        "请另存为 CSV 报送，或按月份、按镇街拆成几个文件分别报送。",
    )


def too_much_text(limits: Limits) -> RefusedFile:
    """Cells of a workbook that hold one long text again and again: small when packed, endless when read."""
    return RefusedFile(
        "too_large",
        f"工作簿展开后的文字超过 {readable(limits.max_zip_bytes)}。",
        "请检查是否有很长的内容被复制到了许多单元格，删去后重新报送。",
    )


def check_broken(broken: int, limits: Limits) -> None:
    """Raises RefusedFile too_many_broken: so many records without columns are no table, and no receipt lists them."""
    if broken > limits.max_broken:
        raise RefusedFile(
            "too_many_broken",
            f"有超过 {limits.max_broken} 行分不清各列。",
            "请检查分隔符、双引号和换行是否正确，重新导出后报送。",
        )


def most_problems(records: int, limits: Limits) -> int:
    """How many problems a table of so many records may have: one in four records, or the limit if that is more."""
    return max(limits.max_problems, records // PROBLEMS_ONE_IN)


def mostly_wrong(most: int, column: str, rule: str) -> RefusedFile:
    """A table with a column that is wrong all over: one mistake to mend, and no receipt could list its lines."""
    return RefusedFile(
        "mostly_wrong",
        f"文件有超过 {most} 处问题，最多的是“{column}”列：{rule}。",
        "请先核对整列的内容、单位和列的位置，改正后整份重新报送。",
        column=column,
    )


def empty_table() -> RefusedFile:
    """The file holds blank lines or blank sheets alone."""
    return RefusedFile("empty_file", "文件里没有任何内容。", "请重新导出后再放入收件箱。")
