"""Made-up people and the words that stand for them, so that no file of cases holds a number of a person."""

from __future__ import annotations

import re
import zlib
from datetime import date

from agrilake.sample.identifiers import PHONE_PREFIX, bank_card, credit_code, resident_id, stream

NAMES = ("欧阳砚秋", "司徒砚冬", "上官砚春", "诸葛砚夏")
IDS = [resident_id(stream(4, "corpus", name), date(1960 + at, 5, 8)) for at, name in enumerate(NAMES)]
PHONES = [f"{PHONE_PREFIX}7734{1000 + at}" for at, _ in enumerate(NAMES)]
CARDS = [bank_card(stream(4, "corpus card", name)) for name in NAMES]
CREDITS = [credit_code(kind, 7734 + at) for at, kind in enumerate(("N2", "93", "92", "91"))]
PLANTED = (*NAMES, *IDS, *PHONES, *CARDS)
"""What may stand in landing, bronze and the department's own folder, and nowhere else."""

HEADER = "农户编号,所在村,户主姓名,户主身份证号,联系电话,家庭人口,是否脱贫户"
VILLAGE = "500112129201"
NUMBER = re.compile(r"\{n(\d{1,2})\}")


def household(at: int, **changes: str) -> str:
    """A line of agri_farm_household for the person `at`, cells changed by their English names."""
    cells = {
        "household_id": f"H5001121000{at}",
        "village": VILLAGE,
        "name": NAMES[at],
        "id_no": IDS[at],
        "phone": PHONES[at],
        "members": str(at + 2),
        "poor": "是",
    }
    return ",".join((cells | changes).values())


WORDS = {
    "header": HEADER,
    "village": VILLAGE,
    "long": "长" * 32_768,
    "wide": " " * 30_000,
    "many": "万" * 30_000,
    **{f"row{at}": household(at) for at in range(len(NAMES))},
    **{f"name{at}": name for at, name in enumerate(NAMES)},
    **{f"id{at}": number for at, number in enumerate(IDS)},
    **{f"phone{at}": number for at, number in enumerate(PHONES)},
    **{f"card{at}": number for at, number in enumerate(CARDS)},
    **{f"credit{at}": code for at, code in enumerate(CREDITS)},
}
"""{name0}, {id0}, {phone0}, {card0}, {credit0} …: of made-up people and organisations; {row0} a household's line."""


def filled(text: str, case: str = "", row: int = 1) -> str:
    """The text with its words put in; {n11} is a number of 11 digits that no other row and hardly a case has."""
    text = text.replace("\\0", "\0")
    for word, value in WORDS.items():
        text = text.replace("{" + word + "}", value)
    seed = f"{zlib.crc32(case.encode()) % 10_000:04d}"
    return NUMBER.sub(lambda digits: seed + str(row).zfill(int(digits[1]) - len(seed)), text)
