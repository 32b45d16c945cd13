"""The receipt's page: what came in, counts that add up, and every rejected line with how to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import jinja2
import polars as pl

from agrilake.contract.model import Dataset, Load
from agrilake.intake.findings import ERROR, WARN, rule_title
from agrilake.intake.privacy import mask_text
from agrilake.intake.raw import RawTable
from agrilake.intake.rows import Checked
from agrilake.intake.settle import REFUSED_FOLDER

if TYPE_CHECKING:
    from agrilake.lake.state import Delivery

LINES_SHOWN = 500
DUPLICATES_SHOWN = 100
LOCAL = ZoneInfo("Asia/Shanghai")
STATUS = {
    "accepted": ("全部接收", "文件里的数据已全部接收。"),
    "partial": ("部分接收", "一部分数据已接收；另一部分有问题，已退回，请按下文改好后补正。"),
    "refused": ("未接收", "文件未能接收，没有取用其中任何数据。"),
    "waiting": ("已收下，待处理", "文件已收下，尚未处理；条件具备后会自动处理，并更新本回执。"),
    "received": ("已收下，待处理", "文件已收下，正在处理。"),
    "withdrawn": ("已撤回", "本次报送已撤回，它带来的数据已全部从数据湖中移除；被它替换的旧数据恢复有效。"),
}
REPEATED = ("重复报送", "本文件与此前已收的文件内容完全相同，没有改变任何数据，以原回执为准。")
SET_ASIDE = {
    "preamble": "表头前的说明行",
    "header": "表头行",
    "blank": "空行",
    "total": "合计、小计行",
    "note": "表后说明行",
    "other_sheet": "其他工作表",
}
ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8（带 BOM）", "gb18030": "GB18030", "utf-16": "UTF-16"}
BYTE_STEP = 1024


@cache
def _template() -> jinja2.Template:
    loader = jinja2.PackageLoader("agrilake.intake")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["mask"] = mask_text
    return environment.get_template("receipt.html.j2")


def render(
    delivery: Delivery,
    checked: Checked | None,
    raw: RawTable | None,
    dataset: Dataset | None,
    *,
    mend_name: str | None = None,
    repeated: bool = False,
) -> str:
    """The page's HTML, without any clock of its own; no personal value is in it."""
    title, sentence = REPEATED if repeated else STATUS[delivery.status]
    return _template().render(
        status="repeated" if repeated else delivery.status,
        status_title=title,
        status_sentence=sentence,
        facts=_facts(delivery, raw, dataset),
        counts=delivery if checked is not None or delivery.records else None,
        set_aside=_set_aside(delivery, raw),
        effect=None if repeated else _effect(delivery, dataset),
        reason=None if repeated else delivery.reason,
        remedy=None if repeated else delivery.remedy,
        place=_place(delivery),
        problems=_problems(checked, ERROR),
        rejected=_lines(checked, ERROR),
        rejected_total=_count(checked, ERROR),
        warnings=_lines(checked, WARN),
        warnings_total=_count(checked, WARN),
        duplicates=_duplicates(checked),
        duplicates_shown=DUPLICATES_SHOWN,
        unmatched=[mask_text(header) for header in raw.unmatched] if raw else [],
        missing=[dataset.column(name).title for name in raw.missing] if raw and dataset else [],
        mend_name=mend_name,
        inbox=delivery.department,
        refused_folder=REFUSED_FOLDER,
        several_sheets=raw is not None and len(raw.sheets) > 1,
        lines_shown=LINES_SHOWN,
    )


def _facts(delivery: Delivery, raw: RawTable | None, dataset: Dataset | None) -> list[tuple[str, str]]:
    """What came in, as (title, value); empty values are left out."""
    encoding = str((raw.encoding if raw else None) or delivery.details.get("encoding") or "")
    sheets = raw.sheets if raw else delivery.details.get("sheets") or ()
    facts = [
        ("回执编号", delivery.id),
        ("数据集", f"{dataset.title}（{dataset.id}）" if dataset else ""),
        ("报送期", delivery.period),
        ("报送部门", (dataset.department_title if dataset else "") or delivery.department),
        ("责任单位", dataset.owner if dataset else ""),
        ("文件名", mask_text(delivery.file_name)),
        ("文件大小", _size(delivery.bytes)),
        ("文件编码", ENCODINGS.get(encoding.casefold(), encoding)),
        ("工作表", "、".join(mask_text(sheet) for sheet in sheets)),
        ("未取用的工作表", "、".join(_sheets_left(raw)) if raw else ""),
        ("数据规范版本", dataset.edition if dataset and dataset.valid_until else delivery.contract_version or ""),
        ("收到时间", _local(delivery.received_at)),
        ("文件摘要", f"SHA-256 {delivery.sha256[:16]}…" if delivery.sha256 else ""),
    ]
    return [(title, value) for title, value in facts if value]


def _sheets_left(raw: RawTable) -> Iterator[str]:
    """Sheets without the table, and hidden ones, which may hold what the department believes delivered."""
    for item in raw.set_aside:
        if item.line is None and item.sheet:
            yield mask_text(item.sheet) + ("（隐藏）" if item.kind == "hidden_sheet" else "")


def _size(size: int) -> str:
    for unit in ("字节", "KB", "MB"):
        if size < BYTE_STEP:
            return f"{size:,.0f} {unit}" if unit == "字节" else f"{size:,.1f} {unit}"
        size = size / BYTE_STEP  # type: ignore[assignment]
    return f"{size:,.1f} GB"


def _local(moment: str) -> str:
    if not moment:
        return ""
    return datetime.fromisoformat(moment).astimezone(LOCAL).strftime("%Y-%m-%d %H:%M:%S")


def _set_aside(delivery: Delivery, raw: RawTable | None) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter(delivery.details.get("set_aside", {}) if raw is None else {})
    for item in raw.set_aside if raw else ():
        counts[item.kind] += item.lines
    return [(title, counts[kind]) for kind, title in SET_ASIDE.items() if counts[kind]]


def _effect(delivery: Delivery, dataset: Dataset | None) -> str | None:
    """What the accepted rows replace, from the way that the dataset is loaded."""
    if dataset is None or delivery.status not in ("accepted", "partial"):
        return None
    key = "、".join(dataset.column(name).title for name in dataset.key)
    if delivery.kind == "mend":
        return f"本文件是对回执 {delivery.mends} 的补正：接收的行按“{key}”补入或替换那次报送的行，其余行不变。"
    again = f"本文件是第 {delivery.revision} 次更正。" if delivery.revision else ""
    if dataset.load is Load.SNAPSHOT:
        return (
            f"{again}接收的行整体作为 {delivery.period} 期的数据；本期此前报送的数据由本次替换，旧数据仍可按日期查询。"
        )
    if dataset.load is Load.UPSERT:
        return f"{again}接收的行按“{key}”新增或更新；没有报送的记录保持不变。"
    return f"{again}接收的行追加入湖；“{key}”相同的，以最后报送的为准。"


def _place(delivery: Delivery) -> str:
    line, column = delivery.details.get("line"), delivery.details.get("column")
    return "，".join(filter(None, (f"第 {line} 行" if line else "", f"“{mask_text(str(column))}”列" if column else "")))


def _count(checked: Checked | None, severity: str) -> int:
    return checked.findings.filter(pl.col("severity") == severity).height if checked else 0


def _problems(checked: Checked | None, severity: str) -> list[dict[str, Any]]:
    """Problems by kind and column: title, column, number of lines, an example of what to do; most frequent first."""
    if checked is None:
        return []
    chosen = checked.findings.filter(pl.col("severity") == severity)
    groups = chosen.group_by("rule", "column_title").agg(pl.len().alias("count"), pl.col("remedy").first())
    rows = groups.sort(["count", "rule", "column_title"], descending=[True, False, False]).to_dicts()
    return [{**row, "title": rule_title(row["rule"])} for row in rows]


def _lines(checked: Checked | None, severity: str) -> list[dict[str, Any]]:
    if checked is None:
        return []
    return checked.findings.filter(pl.col("severity") == severity).head(LINES_SHOWN).to_dicts()


def _duplicates(checked: Checked | None) -> list[dict[str, Any]]:
    return checked.duplicates.head(DUPLICATES_SHOWN).to_dicts() if checked else []
