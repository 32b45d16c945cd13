"""A contract in plain Chinese: the one place where types, limits and treatments get their wording.

The dictionary, the Excel form and the notebook display all speak through these functions, so that a department
reads the same sentence everywhere.
"""

from __future__ import annotations

from agrilake.checks import CHECKS
from agrilake.contract.model import Check, Column, Dataset, Frequency, Load, LogicalType, Privacy

FREQUENCY = {Frequency.YEAR: "每年", Frequency.QUARTER: "每季度", Frequency.MONTH: "每月", Frequency.DAY: "每日"}
PERIOD_EXAMPLE = {
    Frequency.YEAR: "2024",
    Frequency.QUARTER: "2024Q3",
    Frequency.MONTH: "2024-05",
    Frequency.DAY: "2024-05-01",
}
LOAD = {
    Load.SNAPSHOT: "全量：每期文件即该期全部数据",
    Load.UPSERT: "更新：按主键，后报的覆盖先报的",
    Load.APPEND: "追加：每期只报新发生的记录",
}
TYPE = {
    LogicalType.STRING: "文本",
    LogicalType.INTEGER: "整数",
    LogicalType.NUMBER: "小数",
    LogicalType.DATE: "日期",
    LogicalType.TIMESTAMP: "日期时间",
    LogicalType.BOOLEAN: "是/否",
}
DIVISION = {"county": "区县", "township": "镇街", "village": "村/社区", "any": "任一级"}
PII = {"id_no": "身份证号", "name": "姓名", "phone": "电话", "bank_card": "银行卡号", "address": "住址"}
PRIVACY = {Privacy.OPEN: "", Privacy.PSEUDONYM: "入湖后以代号替换", Privacy.DROP: "仅用于核对，入湖后不保留"}
SEVERITY = {"error": "不符合的行退回", "warn": "仅提示", "stop": "不符合则暂停发布"}
CRS = {"EPSG:4490": "CGCS2000（EPSG:4490）", "GCJ-02": "GCJ-02（高德等）", "BD-09": "BD-09（百度）"}
ENCODING = {"gb18030": "GB18030", "utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16"}
METRIC = {"rowCount": "行数"}
IDENTIFIER_CHECKS = ("credit_code", "resident_id", "mobile_phone", "bank_card")
SENTENCE = {
    "not_before": "不早于“{other}”",
    "not_above": "不大于“{other}”",
    "sum_equals": "“{total}”等于 {columns} 之和",
}
BOUND = {
    "mustBe": "等于",
    "mustBeGreaterThan": "大于",
    "mustBeGreaterOrEqualTo": "不小于",
    "mustBeLessThan": "小于",
    "mustBeLessOrEqualTo": "不大于",
}


def version_words(dataset: Dataset) -> str:
    """The contract's version, and those by which files of earlier periods are read."""
    earlier = [f"{item.valid_until} 及以前 {item.version}" for item in reversed(dataset.earlier)]
    return "；".join([dataset.version, *earlier])


def need_words(column: Column, word: str) -> str:
    """Whether a column must be filled: 主键, the `word` (必填, 非空), with the period since when, or nothing."""
    since = f"（自 {column.required_since} 期）" if column.required_since else ""
    return "主键" if column.primary_key else word + since if column.required else ""


def feed_words(column: Column, dataset: Dataset) -> str:
    """What a column of an earlier layout became of today's columns, which `dataset` has: 畜种（11→生猪、…）."""
    parts = []
    for feed in column.feeds:
        target = dataset.column(feed.column)
        labels = {item.value: item.label for item in target.enum} | {"True": "是", "False": "否"}
        codes = [f"{code}→{labels.get(now, now) if now is not None else '空'}" for code, now in feed.codes]
        parts.append(target.title + (f"（{'、'.join(codes)}）" if codes else ""))
    return "；".join(parts) or "不再保留"


def number(value: float) -> str:
    """A limit as people write it: no trailing zeros, no exponent."""
    return str(int(value)) if float(value).is_integer() else format(value, "f").rstrip("0")


def type_words(column: Column) -> str:
    """The kind of value: 文本, 整数, 小数（2 位）, 选项, 区划（村（社区））…"""
    if column.division_level:
        return f"区划（{DIVISION[column.division_level]}）"
    if column.enum:
        return "选项"
    if column.type is LogicalType.NUMBER and column.scale is not None:
        return f"小数（{column.scale} 位）"
    return TYPE[column.type]


def limit_words(column: Column) -> list[str]:
    """Declared limits, one short phrase each; empty where the contract sets none."""
    unit = f" {column.unit}" if column.unit else ""
    found = []
    if column.minimum is not None and column.maximum is not None:
        found.append(f"{number(column.minimum)} 至 {number(column.maximum)}{unit}")
    elif column.minimum is not None:
        found.append(f"不小于 {number(column.minimum)}{unit}")
    elif column.maximum is not None:
        found.append(f"不大于 {number(column.maximum)}{unit}")
    if column.min_length is not None and column.min_length == column.max_length:
        found.append(f"{column.min_length} 个字符")
    elif column.min_length is not None or column.max_length is not None:
        low = f"至少 {column.min_length} 个字符" if column.min_length is not None else ""
        high = f"至多 {column.max_length} 个字符" if column.max_length is not None else ""
        found.append("，".join(part for part in (low, high) if part))
    if column.unique and not column.primary_key:
        found.append("不得重复")
    return found


def check_words(check: Check, columns: dict[str, str] | None = None) -> str:
    """A check in words: its own description, else the title of the named check, else the measured bounds.

    `columns` maps column names to titles, so that arguments that name a column are read as its title.
    """
    if check.description:
        return check.description
    if check.name in METRIC:
        bounds = [f"{words} {check.arguments[key]}" for key, words in BOUND.items() if key in check.arguments]
        return METRIC[check.name] + "、".join(bounds)
    titles = {key: _titles(value, columns or {}) for key, value in check.arguments.items()}
    if check.name in SENTENCE:
        subject = f"“{titles['column']}”" if "column" in titles else ""
        return subject + SENTENCE[check.name].format(**titles)
    named = CHECKS.get(check.name)
    title = named.title if named else check.name
    if check.name in IDENTIFIER_CHECKS:
        return f"须是有效的{title}"
    return title + (f"（{'；'.join(titles.values())}）" if titles else "")


def _titles(value: object, columns: dict[str, str]) -> str:
    parts = value if isinstance(value, list | tuple) else [value]
    return "、".join(columns.get(str(part), str(part)) for part in parts)


def column_checks(column: Column, columns: dict[str, str] | None = None) -> list[str]:
    """Every named check of a column in words; a check that only warns says so."""
    return [check_words(check, columns) + ("（仅提示）" if check.severity == "warn" else "") for check in column.checks]


def privacy_words(column: Column) -> str:
    """How a personal column is treated; empty for open columns."""
    if column.pii is None:
        return ""
    return f"个人信息（{PII[column.pii]}）：{PRIVACY[column.privacy]}"


def enum_words(column: Column) -> list[str]:
    """Allowed values as `label（code）`, or the label alone where both are the same."""
    return [item.label if item.label == item.value else f"{item.label}（{item.value}）" for item in column.enum]


def due_words(dataset: Dataset) -> str:
    """When a delivery is due: 每月，期末后 10 日内."""
    return f"{FREQUENCY[dataset.frequency]}，期末后 {dataset.due_day} 日内"


def reference_words(column: Column, titles: dict[str, str]) -> str:
    """What a foreign key points at; `titles` holds Chinese titles by `dataset` and by `dataset.column`."""
    if column.reference is None:
        return ""
    dataset, name = column.reference.dataset, column.reference.column
    return f"对应“{titles.get(dataset, dataset)}”的“{titles.get(f'{dataset}.{name}', name)}”"
