"""Identifiers with check characters, over whole series.

python-stdnum is not used for these two: its `cn.uscc` refuses registration codes that begin with a letter
(N = agriculture: village collectives and cooperatives) and its `cn.ric` demands an area code from its own
list, while GB 11643 keeps the area of first registration for life. The tests compare with it where both agree.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from agrilake.checks.model import CheckContext

CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_CODE_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)], dtype=np.int64)
RESIDENT_ID_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
RESIDENT_ID_CHECKS = "10X98765432"


def _positions(values: pl.Series, length: int, alphabet: str) -> np.ndarray:
    """Matrix (rows x length) of each character's place in the alphabet; all values must have that shape."""
    table = np.full(128, -1, dtype=np.int64)
    table[np.frombuffer(alphabet.encode(), dtype=np.uint8)] = np.arange(len(alphabet))
    joined = "".join(values.to_list()).encode("ascii")
    return table[np.frombuffer(joined, dtype=np.uint8)].reshape(-1, length)


def _where_shaped(values: pl.Series, pattern: str, test: pl.Series) -> pl.Series:
    """Spread the result for the well-shaped values over all: null stays null, ill-shaped is False."""
    shaped = values.str.contains(pattern)
    index = shaped.fill_null(False).arg_true()
    return shaped.scatter(index, test) if len(index) else shaped


def _shaped(values: pl.Series, pattern: str) -> pl.Series:
    return values.filter(values.str.contains(pattern).fill_null(False))


def credit_code(values: pl.Series, _context: CheckContext) -> pl.Series:
    """GB 32100 unified social credit code: 18 characters without I O S V Z, check character modulo 31."""
    pattern = f"^[{CREDIT_CODE_ALPHABET}]{{18}}$"
    shaped = _shaped(values, pattern)
    places = _positions(shaped, 18, CREDIT_CODE_ALPHABET)
    expected = (31 - (places[:, :17] @ CREDIT_CODE_WEIGHTS) % 31) % 31
    return _where_shaped(values, pattern, pl.Series(expected == places[:, 17]))


def resident_id(values: pl.Series, _context: CheckContext) -> pl.Series:
    """GB 11643 resident identity number: check character modulo 11 and a birth date that exists."""
    pattern = "^[1-9][0-9]{16}[0-9X]$"
    shaped = _shaped(values, pattern)
    places = _positions(shaped, 18, "0123456789X")
    checks = np.array(["0123456789X".index(character) for character in RESIDENT_ID_CHECKS])
    expected = checks[(places[:, :17] @ RESIDENT_ID_WEIGHTS) % 11]
    born = shaped.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    real_date = born.is_not_null() & (born.dt.year() >= 1850)
    return _where_shaped(values, pattern, pl.Series(expected == places[:, 17]) & real_date)


def mobile_phone(values: pl.Series, _context: CheckContext) -> pl.Series:
    """Mainland mobile number: 11 digits beginning with 13 to 19."""
    return values.str.contains("^1[3-9][0-9]{9}$")


def bank_card(values: pl.Series, _context: CheckContext) -> pl.Series:
    """Bank card number (GB/T 19584, ISO/IEC 7812): 16 to 19 digits with a Luhn check digit."""
    result = values.str.contains("^[1-9][0-9]{15,18}$")
    for length in range(16, 20):
        at = (result & (values.str.len_chars() == length)).fill_null(False)
        index = at.arg_true()
        if len(index):
            digits = _positions(values.filter(at), length, "0123456789")
            doubled = digits[:, -2::-2] * 2
            total = digits[:, ::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
            result = result.scatter(index, pl.Series(total % 10 == 0))
    return result
