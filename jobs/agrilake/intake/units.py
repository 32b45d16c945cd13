"""Units that departments write, converted exactly.

A unit is a base (what is measured, in which base unit) and an exact factor. 1 公顷 = 15 亩 and 1 亩 = 2000/3 m²
by State Council order; 1 斤 = 0.5 kg; 1 马力 = 0.735 kW as the statistics of farm machinery count it. Units that are
not in the table (户, 单, 台次 …) are their own base, so that they compare with themselves, with a multiplier before
them (万户), and with nothing else.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from fractions import Fraction

_MULTIPLIERS = {
    "万亿": 10**12,
    "千万": 10**7,
    "百万": 10**6,
    "十万": 10**5,
    "亿": 10**8,
    "万": 10**4,
    "千": 1000,
    "百": 100,
}

_Factors = dict[str, Fraction | int]
# spellings are NFKC, lower case, without spaces
_MONEY: _Factors = {"元": 1, "人民币元": 1, "圆": 1, "yuan": 1, "cny": 1, "rmb": 1, "¥": 1, "角": Fraction(1, 10)}
_MONEY |= {"qian_yuan": 1000, "wan_yuan": 10**4, "yi_yuan": 10**8}
_AREA: _Factors = {"m2": 1, "平方米": 1, "平米": 1, "亩": Fraction(2000, 3), "mu": Fraction(2000, 3), "公顷": 10**4}
_AREA |= {
    "ha": 10**4,
    "hm2": 10**4,
    "km2": 10**6,
    "平方公里": 10**6,
    "平方千米": 10**6,
    "wan_mu": Fraction(2 * 10**7, 3),
}
_MASS: _Factors = {"kg": 1, "公斤": 1, "千克": 1, "斤": Fraction(1, 2), "市斤": Fraction(1, 2), "jin": Fraction(1, 2)}
_MASS |= {"两": Fraction(1, 20), "担": 50, "g": Fraction(1, 1000), "克": Fraction(1, 1000), "t": 1000, "吨": 1000}
_LENGTH: _Factors = {"m": 1, "米": 1, "km": 1000, "公里": 1000, "千米": 1000, "里": 500, "华里": 500}
_LENGTH |= {"cm": Fraction(1, 100), "厘米": Fraction(1, 100), "mm": Fraction(1, 1000), "毫米": Fraction(1, 1000)}
_VOLUME: _Factors = {"m3": 1, "立方米": 1, "立方": 1, "方": 1, "l": Fraction(1, 1000), "升": Fraction(1, 1000)}
_TIME: _Factors = {"小时": 1, "h": 1, "hour": 1, "分钟": Fraction(1, 60), "min": Fraction(1, 60), "天": 24, "day": 24}
_POWER: _Factors = {"kw": 1, "千瓦": 1, "w": Fraction(1, 1000), "瓦": Fraction(1, 1000), "mw": 1000, "兆瓦": 1000}
_POWER |= {"马力": Fraction(735, 1000)}
_CONTENT: _Factors = {"mg/kg": 1, "毫克/千克": 1, "毫克/公斤": 1, "ppm": 1, "g/kg": 1000, "克/千克": 1000}
_CONTENT |= dict.fromkeys(("μg/kg", "ug/kg", "微克/千克", "微克/公斤", "ppb"), Fraction(1, 1000))
_RATE: _Factors = {"mbps": 1, "mb/s": 1, "兆": 1, "gbps": 1000, "kbps": Fraction(1, 1000)}
_SHARE: _Factors = {"1": 1, "ratio": 1, "%": Fraction(1, 100), "percent": Fraction(1, 100), "‰": Fraction(1, 1000)}
_TABLE: dict[str, _Factors] = {
    "yuan": _MONEY,
    "m2": _AREA,
    "kg": _MASS,
    "m": _LENGTH,
    "m3": _VOLUME,
    "hour": _TIME,
    "kw": _POWER,
    "mg/kg": _CONTENT,
    "head": dict.fromkeys(("head", "头", "只", "羽", "头只"), 1),
    "kva": {"kva": 1, "千伏安": 1, "mva": 1000},
    "mbps": _RATE,
    "t/day": {"t/day": 1, "t/d": 1, "吨/日": 1, "吨/天": 1, "m3/d": 1, "立方米/日": 1},
    "degree": {"度": 1, "°": 1, "degree": 1},
    "person": {"人": 1, "名": 1, "口": 1, "person": 1},
    "household": {"户": 1, "household": 1},
    "order": {"单": 1, "笔": 1, "order": 1},
    "1": _SHARE,
}
_SUMS = frozenset({"yuan", "m2", "kg", "m", "m3", "kw", "kva", "head", "person", "household", "order"})
_SUMS |= frozenset({"张", "台", "台套", "辆", "件", "个", "处", "次", "人次", "场", "批"})
_KNOWN = {spelling: (base, Fraction(factor)) for base, units in _TABLE.items() for spelling, factor in units.items()}


@dataclass(frozen=True)
class Unit:
    """What is measured and how many base units one of it is; `base` "" is a bare multiplier such as 万."""

    base: str
    factor: Fraction


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace(" ", "").lower()


def parse_unit(text: str) -> Unit:
    """The unit of a spelling: from the table, a multiplier before a unit, or the word as a base of its own."""
    normal = _normal(text)
    if normal in _KNOWN:
        return Unit(*_KNOWN[normal])
    for word, factor in _MULTIPLIERS.items():
        if normal.startswith(word):
            rest = normal.removeprefix(word)
            inner = parse_unit(rest) if rest else Unit("", Fraction(1))
            return Unit(inner.base, inner.factor * factor)
    return Unit(normal, Fraction(1))


def is_known(text: str) -> bool:
    """Whether the spelling is a unit of the table, a multiplier, or both together."""
    unit = parse_unit(text)
    return unit.base == "" or unit.base in _TABLE


def adds_up(text: str) -> bool:
    """Whether quantities of the unit may be added over rows, as rates, degrees and durations may not."""
    return parse_unit(text).base in _SUMS


def conversion(written: str | None, column_unit: str | None) -> Fraction | None:
    """Factor from the unit as written to the column's unit; None where they do not measure the same.

    Without a written unit the value is in the column's unit. A bare multiplier (1.2 万) multiplies whatever the
    column counts. Percent signs of a column without unit are hundredths.
    """
    if not written:
        return Fraction(1)
    found = parse_unit(written)
    if found.base == "":
        return found.factor
    wanted = parse_unit(column_unit) if column_unit else Unit("1", Fraction(1))
    return found.factor / wanted.factor if found.base == wanted.base else None
