"""Shifted coordinates come back to where they were; others stay."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import prcoords
import pytest

from agrilake.contract.load import load_registry
from agrilake.intake.coordinates import to_cgcs2000

LON, LAT = 106.6304, 29.7182
CENTIMETRES = 1e-6


def site(crs: str | None, lon: float | None, lat: float | None) -> pl.DataFrame:
    dataset = replace(load_registry().get("postal_site"), crs=crs)
    frame = pl.DataFrame({"lon": [lon], "lat": [lat]}, schema={"lon": pl.Float64, "lat": pl.Float64})
    return to_cgcs2000(frame, dataset)


@pytest.mark.parametrize(("crs", "shift"), [("GCJ-02", prcoords.wgs_gcj), ("BD-09", prcoords.wgs_bd)])
def test_a_shifted_point_comes_back(crs: str, shift: object) -> None:
    shifted = shift(prcoords.Coords(LAT, LON))  # type: ignore[operator]
    assert abs(shifted.lon - LON) > 0.001
    found = site(crs, shifted.lon, shifted.lat)
    assert found["lon"][0] == pytest.approx(LON, abs=CENTIMETRES)
    assert found["lat"][0] == pytest.approx(LAT, abs=CENTIMETRES)


def test_a_point_that_is_right_stays(crs: str = "EPSG:4490") -> None:
    assert site(crs, LON, LAT).rows() == [(LON, LAT)]


def test_a_missing_point_stays_missing() -> None:
    assert site("BD-09", None, None).rows() == [(None, None)]
