"""The sheet 填写说明 of an Excel form: how to send it, and every column with its rules and an example.

One line a column (not one column a column), so that no reader can take it for a table of data.
"""

from __future__ import annotations

from collections.abc import Iterator

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from agrilake.catalog import words
from agrilake.contract.model import Column, Dataset

TABLE_HEAD = ("填写项", "要不要填", "怎么填", "允许值与要求", "填写举例")
WIDTHS = (26, 10, 48, 60, 28)


def write_guide(book: xlsxwriter.Workbook, sheet: Worksheet, dataset: Dataset, file_name: str) -> None:
    """Fill the sheet; every cell is written as text."""
    text = book.add_format({"text_wrap": True, "valign": "top"})
    head = book.add_format({"bold": True, "bg_color": "#E9EFF6", "border": 1, "border_color": "#D9E0E7"})
    cell = book.add_format({"text_wrap": True, "valign": "top", "border": 1, "border_color": "#D9E0E7"})
    title = book.add_format({"bold": True, "font_size": 14})
    sheet.write_string(0, 0, f"{dataset.title} 填写说明", title)
    row = 1
    for line in guide_lines(dataset, file_name):
        sheet.merge_range(row, 0, row, len(TABLE_HEAD) - 1, line, text)
        row += 1
    row += 1
    for index, (name, width) in enumerate(zip(TABLE_HEAD, WIDTHS, strict=True)):
        sheet.set_column(index, index, width)
        sheet.write_string(row, index, name, head)
    for column in dataset.columns:
        row += 1
        for index, value in enumerate(_column_line(column)):
            sheet.write_string(row, index, value, cell)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def guide_lines(dataset: Dataset, file_name: str) -> Iterator[str]:
    """How to fill in and send the form, one sentence a line."""
    yield f"用途：{dataset.description}。"
    if dataset.valid_until is not None:
        yield f"版本：本表是 {dataset.version} 版，只用于 {dataset.valid_until} 及以前的报送期，以后的报送期用新版。"
    yield f"报送：{words.due_words(dataset)}；{words.LOAD[dataset.load]}。"
    yield f"文件名：{file_name}（双下划线前是数据集名，后是报送期，请按实际报送期改写）。"
    yield f"一行填什么：{dataset.grain or '一条记录一行'}；主键（{'、'.join(_titles(dataset))}）不得重复。"
    yield "表头（第 2 行）请勿改动、删除，第 3 行是填写提示，数据从第 4 行起填。"
    yield "带 * 的必填；一格只填一个值；不需要填合计行。"
    yield "编号、证件号、代码类的列已设为文本格式，请直接输入或“选择性粘贴-数值”，以免 18 位号码被 Excel 改成科学计数。"
    yield "已报的文件有误：把整份改好，文件名末尾加“__更正”再报；只改退回的行：用回执附带的补正文件。"
    if dataset.crs:
        yield f"坐标系：{words.CRS.get(dataset.crs, dataset.crs)}，填小数度，经度、纬度不要填反。"
    if dataset.personal_columns:
        names = "、".join(column.title for column in dataset.personal_columns)
        yield f"个人信息（{names}）只用于核对，入湖后以代号替换或不保留；请通过规定的渠道报送，不要外传。"


def _titles(dataset: Dataset) -> list[str]:
    return [dataset.column(name).title for name in dataset.key]


def _column_line(column: Column) -> tuple[str, ...]:
    need = "必填（主键）" if column.primary_key else "必填" if column.required else "可不填"
    kind = words.type_words(column) + (f"，单位 {column.unit}" if column.unit else "")
    rules = [*words.limit_words(column), *words.column_checks(column)]
    if column.enum:
        rules.insert(0, "填 " + "、".join(item.label for item in column.enum) + " 之一")
    example = "（个人信息，不举例）" if column.is_personal else column.example
    return column.title, need, f"{kind}。{column.description}", "；".join(rules), example
