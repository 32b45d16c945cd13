"""The accounts of agricultural growth: six years a file, the last of an earlier file revised in the next."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from agrilake.sample.drop import Drop
from agrilake.sample.extracts import Extract
from agrilake.sample.identifiers import stream
from agrilake.sample.places import Places
from agrilake.sample.records import Defect, Row
from agrilake.sample.spelling import Style

YEARS = 6
FIRST = 2010
"""The year of the first value; every later one grows from it, so that all samples tell one story."""

REVISED = Decimal("1.004")
"""What the preliminary gross output of a year becomes a year later."""

STYLES = (
    Style(preamble=True, headers=1, divisions="name", numbers="thousands", units=(("亩", "公顷"),), notes=True),
    Style(form="xlsx", titled=True, preamble=True, divisions="name", periods="chinese", headers=2),
)
DEFECTS = (
    Defect("material_cost_wan_yuan", "not_above", lambda row: str(row["gross_output_wan_yuan"] + 1)),
    Defect("price_index", "minimum", "1.3"),
    Defect("labour", "type_integer", "九万多"),
    Defect("gross_output_wan_yuan", "required", ""),
    Defect("year", "pattern", "十三五末"),
)


def accounts(places: Places, years: Sequence[int], seed: int) -> dict[str, list[Row]]:
    """Rows by the year that reports them; amounts at current prices, the index on the year before."""
    series = _series(places, years[-1], seed)
    found: dict[str, list[Row]] = {}
    for year in years:
        rows = [dict(row) for row in series if year - YEARS < int(row["year"]) <= year]
        rows[-1]["gross_output_wan_yuan"] = (rows[-1]["gross_output_wan_yuan"] / REVISED).quantize(Decimal(1))
        found[str(year)] = rows
    return found


def _series(places: Places, last: int, seed: int) -> list[Row]:
    rng = stream(seed, "agri growth")
    share = len(places.committees) / 180
    output, material, labour, hectares = 420_000 * share, 150_000 * share, 150_000 * share, 42_000 * share
    rows = []
    for year in range(FIRST, last + 1):
        index = Decimal(str(round(float(rng.normal(101.5, 1.2)), 1)))
        prices = float(index) / 100
        output *= prices * float(rng.normal(1.042, 0.006))
        material *= prices * float(rng.normal(1.03, 0.008))
        labour *= float(rng.normal(0.983, 0.004))
        hectares *= float(rng.normal(1.004, 0.003))
        rows.append(
            {
                "year": str(year),
                "division_code": places.county.code,
                "gross_output_wan_yuan": Decimal(int(output)),
                "material_cost_wan_yuan": Decimal(int(material)),
                "labour": int(labour),
                "sown_area_mu": Decimal(15 * int(hectares)),
                "price_index": index,
            }
        )
    return rows


EXTRACT = Extract(
    "stats_agri_growth",
    "year",
    STYLES,
    DEFECTS,
    lambda row, _, number: {**row, "year": str(1900 + number)},
    lambda row: {"labour": row["labour"] + 100},
    duplicates=1,
)


def deliver(drop: Drop, accounts: dict[str, list[Row]], seed: int) -> None:
    """One file a year."""
    EXTRACT.deliver(drop, accounts, seed, per_file=3)
