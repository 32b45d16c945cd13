"""Features on their way into a layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

REASON = "reason"


@dataclass(frozen=True)
class Features:
    """`rows` and their `shapes` (shapely, EPSG:4490), alike in length; `reason` of a row says why it has no place."""

    rows: pl.DataFrame
    shapes: np.ndarray

    @property
    def placed(self) -> Features:
        """Those that have a place."""
        has_place = self.rows[REASON].is_null()
        return Features(self.rows.filter(has_place), self.shapes[has_place.to_numpy()])
