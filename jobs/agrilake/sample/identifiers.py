"""Made-up but well-formed identifiers, names and phones.

Nothing here can belong to anybody: area 500199 is assigned to no county (GB/T 2260), the mobile range 154 to no
operator, and cards of country 999 to no bank. Check characters follow GB 11643 (resident identity), GB 11714
(organisation), GB 32100 (credit code) and ISO/IEC 7812 (cards); the formulas are written out here on purpose, so that
the truth does not lean on the lake's own checks.
"""

from __future__ import annotations

from datetime import date

import numpy as np

AREA = "500199"
PHONE_PREFIX = "154"
CARD_PREFIX = "9999"
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

_SURNAMES = "王李张刘陈杨黄周吴徐孙胡朱高林何郭罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘蒋蔡余杜叶程苏魏吕丁任沈姚卢"
_GIVEN_FIRST = "德明国建永世光正文兴家天顺福庆仁维大治中开元素淑秀玉桂兰成安泽春"
_GIVEN_LAST = "华平强军伟芳珍英群琼容芬贵全发清林海波勇才富云学祥碧蓉惠友权"
# Characters outside GBK: in GB 18030 they take four bytes, which is what breaks careless readers.
RARE = ("㐂", "㛃", "𠮷", "𬭼")


def stream(seed: int, *subject: object) -> np.random.Generator:
    """An independent random stream for a subject, so that a change to one dataset leaves the others as they are."""
    text = "|".join(str(part) for part in subject)
    return np.random.default_rng([seed, *text.encode()])


def resident_check(first17: str) -> str:
    """The 18th character of a resident identity number (GB 11643, modulo 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _RESIDENT_WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def resident_id(rng: np.random.Generator, born: date) -> str:
    """A resident identity number of a person born on that day, in an area that does not exist."""
    first17 = f"{AREA}{born:%Y%m%d}{rng.integers(100, 1000)}"
    return first17 + resident_check(first17)


def credit_check(first17: str) -> str:
    """The 18th character of a unified social credit code (GB 32100, modulo 31)."""
    total = sum(CREDIT_ALPHABET.index(char) * pow(3, i, 31) for i, char in enumerate(first17))
    return CREDIT_ALPHABET[(31 - total % 31) % 31]


def organisation_check(first8: str) -> str:
    """The 9th character of an organisation code (GB 11714, modulo 11)."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    total = sum(alphabet.index(char) * weight for char, weight in zip(first8, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def credit_code(kind: str, number: int) -> str:
    """The credit code of the n-th made-up organisation; `kind` is the first two characters (91, 92, 93, N2)."""
    body = f"MA{number:06d}" if kind != "91" else f"{30000000 + number:08d}"
    first17 = f"{kind}{AREA}{body}{organisation_check(body)}"
    return first17 + credit_check(first17)


def luhn_digit(body: str) -> str:
    """The last digit of a card number (ISO/IEC 7812, Luhn)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def bank_card(rng: np.random.Generator) -> str:
    """A card number of 19 digits that no bank issues: 9 is for national use, and no country has the number 999."""
    body = f"{CARD_PREFIX}{rng.integers(0, 10**14):014d}"
    return body + luhn_digit(body)


def wrong_check(identifier: str) -> str:
    """The identifier with another last character than the right one."""
    last = identifier[-1]
    return identifier[:-1] + ("1" if last != "1" else "2")


def phone(rng: np.random.Generator) -> str:
    """A mobile number in a range that no operator has."""
    return f"{PHONE_PREFIX}{rng.integers(0, 10**8):08d}"


def person(rng: np.random.Generator) -> str:
    """A made-up name; one in a hundred has a character outside GBK."""
    surname = _SURNAMES[rng.integers(len(_SURNAMES))]
    first = _GIVEN_FIRST[rng.integers(len(_GIVEN_FIRST))]
    draw = rng.random()
    if draw < 0.01:
        return surname + first + RARE[rng.integers(len(RARE))]
    return surname + first + (_GIVEN_LAST[rng.integers(len(_GIVEN_LAST))] if draw < 0.85 else "")


def born_between(rng: np.random.Generator, first: int, last: int) -> date:
    """A birthday in the years first to last."""
    return date(int(rng.integers(first, last + 1)), int(rng.integers(1, 13)), int(rng.integers(1, 29)))
