"""How units are shown: contracts may write a symbol or another word for one, readers see one Chinese word."""

from __future__ import annotations

SHOWN = {
    "yuan": "元",
    "人民币元": "元",
    "wan_yuan": "万元",
    "kg": "公斤",
    "千克": "公斤",
    "t": "吨",
    "mu": "亩",
    "ha": "公顷",
    "m": "米",
    "km": "公里",
    "m2": "平方米",
    "m3": "立方米",
    "mg/kg": "毫克/千克",
    "h": "小时",
    "hour": "小时",
    "day": "天",
    "kw": "千瓦",
    "degree": "度",
    "person": "人",
    "household": "户",
    "order": "单",
}
MONEY = "元"


def shown_unit(unit: str | None) -> str | None:
    """The Chinese word for a unit, or the unit itself where it has no other (户, 批, %)."""
    return None if unit is None else SHOWN.get(unit, unit)
