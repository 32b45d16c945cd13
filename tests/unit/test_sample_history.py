"""What several years of samples have beside one: trends, who begins and stops, and a village that is merged."""

from __future__ import annotations

from datetime import date

import polars as pl

from agrilake.pipeline.context import Editions
from agrilake.sample import stats
from agrilake.sample.history import reported
from agrilake.sample.merger import closed, joined, lingering, moved, restated
from agrilake.sample.periods import months_of_years, trend
from agrilake.sample.places import load_places
from agrilake.sample.truth_values import total

PLACES = load_places(7, ("玉峰山镇",), merging=True)
assert PLACES.merger is not None
OLD, NEW = PLACES.merger.old.code, PLACES.merger.new.code


def test_the_base_year_is_what_sizes_are_meant_for() -> None:
    assert trend("2024-05", 1.2) == 1.0
    assert trend("2022Q4", 2) == 0.25


def test_departments_begin_and_stop_only_where_there_are_several_years() -> None:
    months = months_of_years(2023, 2024)
    assert reported("coop_agri_supply", months)[-1] == "2024-08"
    assert reported("agri_iot_reading", months)[0] == "2024-01"
    assert reported("postal_parcel", months) == list(months)
    assert len(reported("coop_agri_supply", months[12:])) == 12


def test_the_old_village_stands_until_the_year_of_the_merger() -> None:
    assert OLD in {place.code for place in PLACES.standing("2023-12")}
    assert OLD not in {place.code for place in PLACES.standing("2024Q1")}
    assert load_places(7, ("玉峰山镇",)).merger is None


def test_what_happens_after_the_merger_happens_in_the_new_village() -> None:
    rows = {"2023-12": [{"division_code": OLD}], "2024-01": [{"division_code": OLD}]}
    assert moved(rows, PLACES) == {"2023-12": [{"division_code": OLD}], "2024-01": [{"division_code": NEW}]}


def test_a_register_names_every_row_of_the_old_village_once_more() -> None:
    row = {"no": 1, "division_code": OLD}
    found = {"2023-12": [{"no": 2, "division_code": OLD}], "2024-01": [{"no": 2, "division_code": OLD}], "2024-02": []}
    restated(found, "no", PLACES, [row])
    assert found["2024-01"] == [{"no": 2, "division_code": NEW}, {"no": 1, "division_code": NEW}]
    assert found["2023-12"] == [{"no": 2, "division_code": OLD}]


def test_counts_of_both_villages_are_added_up_and_unknown_where_a_part_is() -> None:
    def row(code: str, kind: str, sown: int, informed: int | None) -> dict[str, object]:
        return {"division_code": code, "crop": kind, "sown": sown, "informed": informed}

    rows = [row(NEW, "rice", 3, None), row(OLD, "rice", 4, 1), row(OLD, "tea", 5, 2)]
    after = joined({"2024Q1": rows}, "crop", ("sown", "informed"), PLACES)["2024Q1"]
    assert after == [row(NEW, "rice", 7, None), row(NEW, "tea", 5, 2)]
    assert joined({"2023Q4": rows}, "crop", ("sown",), PLACES)["2023Q4"] == rows


def test_stations_of_the_old_village_close_on_its_last_day() -> None:
    site = {"site_no": "1", "division_code": OLD, "closed_on": None}
    found = {"2023-11": [site], "2023-12": [], "2024-01": [{**site, "site_no": "2"}]}
    closed(found, PLACES)
    assert found["2023-12"] == [{**site, "closed_on": date(2023, 12, 31)}]
    assert found["2024-01"] == []


def test_a_department_may_go_on_writing_the_old_village_for_a_while() -> None:
    rows = {month: [{"no": "1", "division_code": NEW}] for month in ("2024-03", "2024-04")}
    written = lingering(rows, "no", {"1"}, PLACES)
    assert [found[0]["division_code"] for found in written.values()] == [OLD, NEW]


def test_the_truth_has_both_villages_of_a_merger() -> None:
    rows = total(PLACES, "x", "2023", [(OLD, 2, 1), (NEW, 3, 1), (PLACES.committees[0].code, 4, 1)])
    assert {row["division_code"]: row["value"] for row in rows} == {
        PLACES.county.code: 9,
        PLACES.townships[0].code: 9,
        OLD: 2,
        NEW: 3,
    }


def test_codes_and_names_lead_to_the_village_that_there_was_in_the_year() -> None:
    """The old village is its own until the merger, afterwards its codes and its name are the neighbour's."""
    tables = [
        pl.DataFrame(
            [{**row.values, "_period": year} for row in stats.divisions(PLACES, int(year), last=year == "2024")]
        )
        for year in ("2023", "2024")
    ]
    crosswalks = [
        pl.DataFrame([{**row, "_period": year} for row in stats.crosswalk_rows(PLACES, year)])
        for year in ("2023", "2024")
    ]
    editions = Editions(pl.concat(tables), pl.concat(crosswalks))
    merger = PLACES.merger
    assert merger is not None
    written = pl.Series([OLD, merger.old.civil_code, merger.old.short, merger.old.name])
    for period, code in (("2022-05", OLD), ("2023Q4", OLD), ("2024-01", NEW), ("2025", NEW)):
        found = editions.of(period).resolve(written, "village")
        assert set(found["code"]) == {code}, period
        assert found["rule"].null_count() == found.height, period


def test_people_of_the_old_village_are_the_new_ones_after_the_merger() -> None:
    rows = {
        year: {
            row.values["division_code"]: row.values
            for row in stats.population(PLACES, year, year == 2024, stats.stream(7, "people", year))
            if row.clean
        }
        for year in (2023, 2024)
    }
    assert OLD in rows[2023] and OLD not in rows[2024]
    assert rows[2024][NEW]["households"] == sum(rows[2023][code]["households"] for code in (OLD, NEW))
    assert rows[2024][NEW]["registered_population"] > rows[2023][NEW]["registered_population"]
