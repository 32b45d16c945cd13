"""The tables of places: pairs, members, golden places, their states over time, and the list for clerical review.

Pure: from frames to frames, columns as the contracts in schemas/gold name them, and more that the contracts leave out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date

import polars as pl

from agrilake.intake.dates import period_bounds
from agrilake.linking.clusters import Clusters, Ruling, cluster
from agrilake.linking.evidence import distance_m, evidence
from agrilake.linking.model import Model
from agrilake.linking.pairs import score
from agrilake.linking.stations import stations, with_features

Frames = Mapping[str, pl.DataFrame]
SOURCE = {"delivery_id": "_delivery_id", "line": "_line", "sheet": "_sheet"}
NAMED_FIRST = (
    "civil_convenience_site",
    "agri_info_service_site",
    "commerce_service_site",
    "coop_service_site",
    "postal_site",
)
"""Whose name a place bears: what is open comes before what is closed, then in this order."""
LIST = "、"
DIVISION = ("division_code", "division_name", "township_code", "township_name")
Interval = tuple[str, date, date | None, int, int]
STATE = {
    "place_id": pl.String,
    "valid_from": pl.Date,
    "valid_to": pl.Date,
    "stations": pl.Int64,
    "departments": pl.Int64,
}


def pairs(registers: Frames, divisions: pl.DataFrame, model: Model) -> pl.DataFrame:
    """Every compared pair of stations: its probability, the levels, the evidence in words and both records' lines."""
    known = stations(registers)
    scored = score(with_features(known, divisions), model)
    sides = [
        known.select(
            pl.col("site_id").alias(f"{side}_id"),
            pl.col("lon").alias(f"{side}_lon"),
            pl.col("lat").alias(f"{side}_lat"),
            pl.col("dataset").alias(f"{prefix}source_dataset"),
            *(pl.col(own).alias(prefix + name) for name, own in SOURCE.items()),
        )
        for side, prefix in (("left", ""), ("right", "right_"))
    ]
    joined = scored.join(sides[0], on="left_id", how="left", maintain_order="left").join(
        sides[1], on="right_id", how="left", maintain_order="left"
    )
    return joined.with_columns(distance_m=distance_m()).with_columns(evidence=evidence())


def places_of(known: pl.DataFrame, scored: pl.DataFrame, rulings: list[Ruling], model: Model) -> Clusters:
    """The places of the stations as they stand."""
    return cluster(known.select("site_id", "dataset"), scored, rulings, model.link, model.contradiction)


def members(
    registers: Frames, places: Mapping[str, str], scored: pl.DataFrame, rulings: list[Ruling], names: Frames
) -> pl.DataFrame:
    """One row a station with its place (`places`, by site_id), by site_id.

    `probability` is that of its likeliest link to another station of the place, null where it stands alone or a person
    alone holds it there; `decided_by` is person, model or alone. `names` has the division names (code, name) as
    `divisions`, the titles of departments (dataset, department), and states of registers that keep them.
    """
    known = stations(registers).with_columns(place_id=pl.col("site_id").replace_strict(places, return_dtype=pl.String))
    best = _best_links(known, scored)
    by_person = {site for ruling in rulings if ruling.same for site in (ruling.left_id, ruling.right_id)}
    alone = pl.len().over("place_id") == 1
    decided = (
        pl.when(alone)
        .then(pl.lit("alone"))
        .when(pl.col("site_id").is_in(sorted(by_person)))
        .then(pl.lit("person"))
        .otherwise(pl.lit("model"))
    )
    placed = _active(known, registers, names["states"]).join(best, on="site_id", how="left", maintain_order="left")
    return (
        placed.with_columns(decided_by=decided, source_dataset=pl.col("dataset"))
        .rename({own: name for name, own in SOURCE.items()})
        .join(names["departments"], on="dataset", how="left", maintain_order="left")
        .pipe(named, names["divisions"])
    )


def _best_links(known: pl.DataFrame, scored: pl.DataFrame) -> pl.DataFrame:
    place = dict(known.select("site_id", "place_id").iter_rows())
    within = scored.filter(
        pl.col("left_id").replace_strict(place, default=None) == pl.col("right_id").replace_strict(place, default=None)
    )
    both = [within.select(pl.col(side).alias("site_id"), "probability") for side in ("left_id", "right_id")]
    return pl.concat(both).group_by("site_id").agg(pl.col("probability").max())


def _active(known: pl.DataFrame, registers: Frames, states: pl.DataFrame) -> pl.DataFrame:
    """With active_from and active_to (exclusive): from its opening, but not before its department's first delivery,
    which is when one can know of it; a register that keeps states knows when a station first stood in it."""
    first = {name: period_bounds(str(frame["_period"].min()))[0] for name, frame in registers.items() if frame.height}
    begun = known.join(states, on="site_id", how="left", maintain_order="left")
    delivered = pl.col("dataset").replace_strict(first, default=None, return_dtype=pl.Date)
    return begun.with_columns(
        active_from=pl.max_horizontal(pl.coalesce("known_from", delivered), "opened_on"),
        active_to=pl.col("closed_on"),
    )


def with_township(frame: pl.DataFrame) -> pl.DataFrame:
    """With township_code, from the division's code."""
    return frame.with_columns(township_code=pl.col("division_code").str.head(9) + "000")


def named(frame: pl.DataFrame, divisions: pl.DataFrame) -> pl.DataFrame:
    """With the names of its division_code and township_code; `divisions` has code and name."""
    name = dict(divisions.select("code", "name").iter_rows())
    return frame.with_columns(
        division_name=pl.col("division_code").replace_strict(name, default=None, return_dtype=pl.String),
        township_name=pl.col("township_code").replace_strict(name, default=None, return_dtype=pl.String),
    )


def golden(member: pl.DataFrame) -> pl.DataFrame:
    """One row a place, by place_id: name, division, point (the median of its stations' points, so that one that was
    moved does not move it), departments, services, stations and those of them that are open."""
    is_open = pl.col("active_to").is_null()
    place_in_line = {name: at for at, name in enumerate(NAMED_FIRST)}
    order = pl.col("source_dataset").replace_strict(place_in_line, return_dtype=pl.Int64)
    ranked = member.sort("place_id", is_open.not_(), order, "site_id")
    commonest = (
        member.group_by("place_id", *DIVISION)
        .len()
        .sort("place_id", "len", "division_code", descending=[False, True, False])
    )
    services = (
        pl.col("services").drop_nulls().str.split(LIST).explode().str.strip_chars().unique().sort().str.join(LIST)
    )
    return (
        ranked.group_by("place_id", maintain_order=True)
        .agg(
            pl.col("name").first(),
            pl.col("lon").median(),
            pl.col("lat").median(),
            departments=pl.col("department").unique().sort().str.join(LIST),
            department_count=pl.col("source_dataset").n_unique().cast(pl.Int64),
            stations=pl.len().cast(pl.Int64),
            open_stations=is_open.sum().cast(pl.Int64),
            open_departments=pl.col("source_dataset").filter(is_open).n_unique().cast(pl.Int64),
            services=services,
            lowest_probability=pl.col("probability").min(),
        )
        .with_columns(is_shared=pl.col("open_departments") > 1, services=pl.col("services").replace("", None))
        .join(commonest.unique("place_id", keep="first", maintain_order=True), on="place_id", how="left")
        .sort("place_id")
    )


def states(member: pl.DataFrame, place: pl.DataFrame) -> pl.DataFrame:
    """Every state of every place: how many stations and departments were open from valid_from until valid_to
    (exclusive). A state with no open station is left out: such a place is no place in use."""
    rows: list[Interval] = []
    spans = member.filter(pl.col("active_to").is_null() | (pl.col("active_to") > pl.col("active_from")))
    for (place_id,), found in spans.sort("place_id").group_by("place_id", maintain_order=True):
        rows += _intervals(str(place_id), found.select("active_from", "active_to", "source_dataset").rows())
    names = place.select("place_id", "name", *DIVISION)
    return (
        pl.DataFrame(rows, schema=STATE, orient="row")
        .with_columns(is_current=pl.col("valid_to").is_null(), is_shared=pl.col("departments") > 1)
        .join(names, on="place_id", how="left", maintain_order="left")
    )


def _intervals(place_id: str, spans: list[tuple[date, date | None, str]]) -> list[Interval]:
    days = sorted({day for start, end, _ in spans for day in (start, end) if day is not None})
    found: list[Interval] = []
    for start, end in zip(days, [*days[1:], None], strict=True):
        open_then = [name for begun, closed, name in spans if begun <= start and (closed is None or closed > start)]
        counts = len(open_then), len(set(open_then))
        if found and found[-1][2] == start and found[-1][3:] == counts:
            found[-1] = (*found[-1][:2], end, *counts)
        elif open_then:
            found.append((place_id, start, end, *counts))
    return found


def review(
    scored: pl.DataFrame, member: pl.DataFrame, places: Clusters, decided: list[Ruling], model: Model
) -> pl.DataFrame:
    """The pairs that a person should look at, the likeliest first: doubtful ones, linked or not, and likely ones that
    were not linked, with the reason (doubtful, department, contradiction, person). Decided pairs are left out."""
    done = pl.DataFrame(
        [(ruling.left_id, ruling.right_id) for ruling in decided],
        schema={"left_id": pl.String, "right_id": pl.String},
        orient="row",
    )
    low, high = model.doubtful
    place = dict(member.select("site_id", "place_id").iter_rows())
    refused = pl.DataFrame(
        [(*key, why) for key, why in sorted(places.refused.items())],
        schema={"left_id": pl.String, "right_id": pl.String, "refused": pl.String},
        orient="row",
    )
    sides = [_side(member, side) for side in ("left", "right")]
    return (
        scored.join(refused, on=["left_id", "right_id"], how="left")
        .filter(pl.col("probability").is_between(low, high, closed="left") | pl.col("refused").is_not_null())
        .join(done, on=["left_id", "right_id"], how="anti")
        .with_columns(
            pair_id=pl.concat_str("left_id", pl.lit("|"), "right_id").map_elements(short_id, return_dtype=pl.String),
            reason=pl.coalesce("refused", pl.lit("doubtful")),
            linked=pl.col("left_id").replace_strict(place) == pl.col("right_id").replace_strict(place),
        )
        .join(sides[0], on="left_id", how="left")
        .join(sides[1], on="right_id", how="left")
        .sort("probability", "left_id", "right_id", descending=[True, False, False])
    )


def short_id(key: str) -> str:
    """A pair's handle on the command line, from left_id|right_id."""
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _side(member: pl.DataFrame, side: str) -> pl.DataFrame:
    """A side's own columns; the division is that of the left station."""
    own = [pl.col(name).alias(f"{side}_{name}") for name in ("name", "department", "place_id")]
    return member.select(pl.col("site_id").alias(f"{side}_id"), *own, *(DIVISION if side == "left" else ()))
