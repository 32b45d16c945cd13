"""Trainings in selling online, held in the district's centre, in towns and in villages."""

from __future__ import annotations

from collections.abc import Sequence

from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.periods import trend, workdays_of
from agrilake.sample.places import Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

TOPICS = (
    "直播带货",
    "网店运营",
    "农产品包装与品牌",
    "短视频拍摄剪辑",
    "电商法律法规",
    "快递收发与售后",
    "社区团购运营",
)
SESSIONS = 0.3
"""Sessions a township and month on average; three come on top."""

STYLES = (
    Style(form="xlsx", titled=True, preamble=True, totals=True, numbered=True, divisions="name", dates="cell"),
    Style(headers=1, divisions="mixed", dates="chinese", notes=True),
    Style(encoding="utf-8-bom", headers=2, divisions="name", dates="mixed"),
    Style(form="xls", headers=3, preamble=True, totals=True, divisions="code", dates="dot"),
)
DEFECTS = (
    Defect("attendees", "minimum", "0"),
    Defect("attendees", "type_integer", "五十余"),
    Defect("attendees", "maximum", "12000"),
    Defect("held_on", "date_precision", lambda row: f"{row['held_on']:%Y年%m月}"),
    Defect("topic", "required", ""),
    Defect("session_no", "pattern", lambda row: row["session_no"][2:]),
    Defect("division_code", "division_known", "电商产业园"),
)


def trainings(places: Places, months: Sequence[str], seed: int) -> dict[str, list[Row]]:
    """Sessions by month: one in three in the district's centre, else in a town or a village."""
    rng = stream(seed, "training")
    venues = (*places.townships, *places.villages)
    found: dict[str, list[Row]] = {}
    for month in months:
        days = workdays_of(month)
        held = sorted(
            days[at]
            for at in rng.integers(
                len(days), size=3 + int(rng.poisson(SESSIONS * trend(month, 1.2) * len(places.townships)))
            )
        )
        found[month] = [
            {
                "session_no": f"DP{month.replace('-', '')}{number:04d}",
                "division_code": (places.county if rng.random() < 1 / 3 else venues[rng.integers(len(venues))]).code,
                "held_on": day,
                "topic": TOPICS[rng.integers(len(TOPICS))],
                "attendees": int(rng.integers(15, 120)),
            }
            for number, day in enumerate(held, 1)
        ]
    return found


EXTRACT = Extract(
    "commerce_training",
    "session_no",
    STYLES,
    DEFECTS,
    lambda row, index, number: {**row, "session_no": f"{row['session_no'][:8]}99{number:02d}"},
    lambda row: {"attendees": row["attendees"] + 5},
    day="held_on",
    duplicates=1,
)


def deliver(drop: Drop, trainings: dict[str, list[Row]], seed: int) -> None:
    """One file a month."""
    EXTRACT.deliver(drop, trainings, seed, per_file=3)
