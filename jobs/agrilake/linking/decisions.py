"""What people decided about pairs of stations: kept for good, one row a decision, the newest of a pair counts.

`<home>/decisions/place_pair` is a Delta table that is only ever appended to, so every state that it had can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import polars as pl
from deltalake import write_deltalake

from agrilake.errors import UsageError
from agrilake.lake.files import scan, table_version
from agrilake.lake.locks import table_lock
from agrilake.linking.clusters import Ruling, key_of
from agrilake.paths import Home

Verdict = Literal["same", "different", "withdrawn"]
VERDICTS = {"same": "同一处所", "different": "不是同一处所", "withdrawn": "撤回"}
DECISION = {
    "decision_no": pl.Int64,
    "left_id": pl.String,
    "right_id": pl.String,
    "verdict": pl.String,
    "decided_by": pl.String,
    "decided_at": pl.String,
    "reason": pl.String,
    "probability": pl.Float64,
}
"""Columns. `decided_at` is an ISO moment in UTC, `probability` what the model said then (none for a pair that it does
not compare)."""
TABLE = ("decisions", "place_pair")
LONGEST = 200


@dataclass(frozen=True)
class Decision:
    """One person's word on two stations (left_id before right_id)."""

    left_id: str
    right_id: str
    verdict: Verdict
    decided_by: str
    decided_at: str
    reason: str
    probability: float | None = None


def decisions(home: Home) -> pl.DataFrame:
    """Every decision there ever was, oldest first (columns DECISION)."""
    table = scan(home.table(*TABLE))
    return (
        pl.DataFrame(schema=DECISION) if table is None else table.collect().select(list(DECISION)).sort("decision_no")
    )


def decisions_version(home: Home) -> int | None:
    """The Delta version of the decisions; None before the first."""
    return table_version(home.table(*TABLE))


def standing(decided: pl.DataFrame) -> pl.DataFrame:
    """The newest decision of each pair, those withdrawn left out."""
    newest = decided.sort("decision_no").unique(["left_id", "right_id"], keep="last", maintain_order=True)
    return newest.filter(pl.col("verdict") != "withdrawn")


def rulings(decided: pl.DataFrame) -> list[Ruling]:
    """The standing decisions as the clustering takes them."""
    rows = standing(decided).select("left_id", "right_id", "verdict").iter_rows()
    return [Ruling(left, right, verdict == "same") for left, right, verdict in rows]


def record(home: Home, decision: Decision) -> int:
    """Append a decision; its number.

    Raises UsageError for a decision without person or reason, and for a yes that would make one place of two stations
    that somebody said are different (that no must be withdrawn first), or a no against the chain of yeses that
    joins the two.
    """
    if decision.verdict not in get_args(Verdict):
        raise UsageError(f"no verdict {decision.verdict!r}; known: {', '.join(get_args(Verdict))}")
    for name, text in (("by", decision.decided_by), ("reason", decision.reason)):
        if not text.strip() or len(text) > LONGEST:
            raise UsageError(f"a decision needs --{name}, at most {LONGEST} characters")
    path = home.table(*TABLE)
    with table_lock(path):
        known = decisions(home)
        _refuse_contradiction(rulings(known), decision)
        number = known.height + 1
        row = {"decision_no": number, **asdict(decision)}
        write_deltalake(str(path), pl.DataFrame([row], schema=DECISION).to_arrow(), mode="append")
    return number


def _refuse_contradiction(known: Iterable[Ruling], decision: Decision) -> None:
    """A set of decisions must be one that places can follow: no two stations joined by yeses and parted by a no."""
    key = key_of(decision.left_id, decision.right_id)
    others = [ruling for ruling in known if key_of(ruling.left_id, ruling.right_id) != key]
    if decision.verdict == "withdrawn":
        return
    after = [*others, Ruling(*key, decision.verdict == "same")]
    group: dict[str, str] = {}
    for ruling in after:
        one, other = (group.setdefault(site, site) for site in (ruling.left_id, ruling.right_id))
        if ruling.same and one != other:
            group = {site: one if name == other else name for site, name in group.items()}
    for ruling in after:
        if not ruling.same and group[ruling.left_id] == group[ruling.right_id]:
            raise UsageError(
                f"{ruling.left_id} and {ruling.right_id} would be one place by other decisions and two by this one; "
                "withdraw the decision that is wrong first: agrilake review --decided"
            )
