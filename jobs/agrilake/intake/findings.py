"""What is wrong, in the departments' words: every rule's Chinese sentence and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from agrilake.checks import CHECKS

FOUND_CHARACTERS = 60
ERROR, WARN = "error", "warn"
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def quarantine_schema() -> dict[str, pl.DataType]:
    """Columns of the quarantine table: one row a finding; `found` is masked, `line` the physical line."""
    text = pl.String()
    names = ("column", "column_title", "rule", "found", "reason", "remedy", "severity")
    places = {"dataset": text, "period": text, "delivery_id": text, "line": pl.Int64(), "sheet": text}
    return {**places, **dict.fromkeys(names, text)}


@dataclass(frozen=True)
class Rule:
    """A rule's title for summaries, its sentence and remedy with {title}, {found}, {detail}, {expected}."""

    title: str
    reason: str
    remedy: str
    severity: str = ERROR


_TEXT_FORMAT = "请把这一列设为文本格式，再从原始资料重新填写或粘贴，不要只改单元格格式。"
_UNIT = "请改成本列的单位（{expected}）再填数字，或在数字后面写明能换算的单位。"

RULES: dict[str, Rule] = {
    "required": Rule("必填项没有填", "“{title}”没有填写，这一列每行都必须填。", "请补上这一格：{expected}。"),
    "excel_spoilt": Rule(
        "被 Excel 改坏",
        "Excel 改坏了“{title}”：填的是“{found}”，{detail}，原来的内容无法还原。",
        _TEXT_FORMAT,
    ),
    "masked_value": Rule(
        "遮盖的内容没有改回",
        "“{title}”填的是遮盖后的“{found}”，找不到它对应的原内容。",
        "请填写完整的原内容，并保留“原行号”一列不动。",
    ),
    "type_integer": Rule("不是整数", "“{title}”填的是“{found}”，应为整数。", "请改成整数，不带小数和文字。"),
    "type_number": Rule("不是数字", "“{title}”填的是“{found}”，应为数字。", "请只填一个数字，说明文字写到备注里。"),
    "type_date": Rule(
        "不是日期",
        "“{title}”填的是“{found}”，{detail}应为具体日期。",
        "请改成“2024-05-01”这样的写法，年份写全 4 位。",
    ),
    "type_timestamp": Rule(
        "不是时间", "“{title}”填的是“{found}”，应为日期加时刻。", "请改成“2024-05-01 08:05:00”这样的写法。"
    ),
    "date_precision": Rule("日期不完整", "“{title}”填的是“{found}”，{detail}，不够具体。", "请补全：{expected}。"),
    "type_boolean": Rule("不是“是”或“否”", "“{title}”填的是“{found}”，应为“是”或“否”。", "请改成“是”或“否”。"),
    "unit_unknown": Rule(
        "单位对不上", "“{title}”填的是“{found}”，单位“{detail}”不能换算成本列的单位（{expected}）。", _UNIT
    ),
    "scale": Rule(
        "小数位数太多",
        "“{title}”填的是“{found}”，换算后超过 {detail} 位小数。",
        "请按不超过 {detail} 位小数重新填写，由报送单位决定如何取舍。",
    ),
    "overflow": Rule("数字太大", "“{title}”填的是“{found}”，整数部分超过 {detail} 位。", "请核对数字和单位。"),
    "personal_number": Rule(
        "个人号码填错了列",
        "“{title}”填的是“{found}”，这是手机号、证件号或银行卡号，不是本列的内容。",
        "请填写本列应有的内容；确是数字的，请写成带千分位的数（如 13,800,000,000）。",
    ),
    "person_in_text": Rule(
        "文字里有个人信息",
        "“{title}”里写有证件号码、手机号、银行卡号或姓名（“{found}”），已遮盖后入湖。",
        "本行已照常接收。以后请不要在这一列写个人信息，需要登记的填在专门的列里。",
        WARN,
    ),
    "enum": Rule("不在可选项里", "“{title}”填的是“{found}”，不在可选项里。", "请从这些里选一个填：{expected}。"),
    "pattern": Rule("格式不对", "“{title}”填的是“{found}”，格式不符合要求。", "请按填报说明填写：{expected}。"),
    "minimum": Rule("低于下限", "“{title}”填的是“{found}”，小于允许的最小值 {expected}。", "请核对数字和单位。"),
    "maximum": Rule("超过上限", "“{title}”填的是“{found}”，大于允许的最大值 {expected}。", "请核对数字和单位。"),
    "min_length": Rule("太短", "“{title}”填的是“{found}”，少于 {expected} 个字。", "请填写完整。"),
    "max_length": Rule("太长", "“{title}”填的是“{found}”，超过 {expected} 个字。", "请缩短到 {expected} 个字以内。"),
    "division_known": Rule("区划找不到", CHECKS["division_known"].reason, CHECKS["division_known"].remedy),
    "division_ambiguous": Rule(
        "区划名称不唯一",
        "“{title}”填的是“{found}”，本区有 {detail} 个地方叫这个名字。",
        "请在前面加上镇（街道）名，或改填 12 位区划代码。",
    ),
    "division_level": Rule(
        "区划级别不对",
        "“{title}”填的是“{found}”，这是{detail}一级，应填{expected}一级。",
        "请改填{expected}的代码或名称。",
    ),
    "division_two_systems": Rule(
        "区划代码两套都有",
        "“{title}”填的是“{found}”，两套代码里都有这个代码：{detail}。已按本文件其他行所用的代码体系认定。",
        "如果认错了，请改填“镇（街道）+村（社区）”名称。",
        WARN,
    ),
    "period_mismatch": Rule(
        "与报送期不符",
        "“{title}”填的是“{found}”，不在本次报送期（{expected}）内。",
        "请改正这一格；属于别的报送期的行，请放到那一期的文件里报。",
    ),
    "key_conflict": Rule(
        "编号重复但内容不同",
        "“{title}”为“{found}”的记录在第 {detail} 行都出现，内容却不同，无法判断哪一行正确。",
        "请核对这几行，只留下正确的一行。",
    ),
    "total_differs": Rule(
        "合计与各行之和不符",
        "这一行合计的“{title}”是 {found}，表中各行之和是 {detail}。",
        "请核对是否漏报、多报了行，或改正合计；各行已照常处理，合计本身不入库。",
        WARN,
    ),
    "unique": Rule(
        "内容重复",
        "“{title}”填的是“{found}”，在第 {detail} 行都出现，这一列不能重复。",
        "请核对这几行，把填错的改过来。",
    ),
}
_TITLES = {
    "credit_code": "统一社会信用代码无效",
    "resident_id": "公民身份号码无效",
    "mobile_phone": "手机号码无效",
    "bank_card": "银行卡号无效",
    "longitude": "经度不在本区",
    "latitude": "纬度不在本区",
    "not_future": "晚于报送期",
    "not_before": "时间先后颠倒",
    "not_above": "大于应有的数",
    "sum_equals": "分项与合计不符",
    "own_district": "外区县的编码",
    "within_division": "编码与所在村不符",
    "range_by": "数值不合理",
    "ratio_by": "平均数不常见",
    "goes_with": "两列不相配",
    "agrees_with_limit": "结论与检测值不符",
    "polygon": "不是 GeoJSON 的面",
    "simple_polygon": "边界自相交",
    "inside_district": "范围不在本区",
    "duplicate": "整行重复",
    "field_count": "列数对不上",
    "unbalanced_quote": "引号不成对",
    "bad_quote": "引号位置不对",
    "formula_uncached": "公式没有结果",
    "long_cell": "单元格内容过长",
}


def rule_title(rule: str) -> str:
    """A rule's Chinese title for summaries."""
    return RULES[rule].title if rule in RULES else _TITLES.get(rule, rule)


def rule_for(name: str) -> Rule:
    """A built-in rule or a named check as a rule."""
    if name in RULES:
        return RULES[name]
    check = CHECKS[name]
    return Rule(check.title, check.reason, check.remedy)


def sentence(template: str, words: Mapping[str, str]) -> pl.Expr:
    """The template as an expression: words are fixed, {found} and {detail} come from the columns of that name."""
    parts = []
    for index, part in enumerate(PLACEHOLDER.split(template)):
        if index % 2 == 0:
            parts.append(pl.lit(part))
        elif part in words:
            parts.append(pl.lit(words[part]))
        else:
            parts.append(pl.col(part).fill_null("") if part in ("found", "detail") else pl.lit(""))
    return pl.concat_str(parts)


def findings(
    rule: str,
    column: str,
    title: str,
    cells: pl.DataFrame,
    words: Mapping[str, str] | None = None,
    severity: str | None = None,
) -> pl.DataFrame:
    """Findings of one rule in one column from cells with row, found (masked) and detail.

    `words` fill the other placeholders; `severity` is the contract's, else the rule's own.
    Returns row and the quarantine columns from `column` on.
    """
    known, words = rule_for(rule), {"title": title, **(words or {})}
    short = pl.col("found").str.head(FOUND_CHARACTERS)
    found = pl.when(pl.col("found").str.len_chars() > FOUND_CHARACTERS).then(short + "…").otherwise(pl.col("found"))
    return cells.with_columns(found).select(
        pl.col("row").cast(pl.UInt32),
        pl.lit(column).alias("column"),
        pl.lit(title).alias("column_title"),
        pl.lit(rule).alias("rule"),
        pl.col("found").cast(pl.String),
        sentence(known.reason, words).alias("reason"),
        sentence(known.remedy, words).alias("remedy"),
        pl.lit("warn" if (severity or known.severity) == WARN else ERROR).alias("severity"),
    )
