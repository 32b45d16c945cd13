"""The Splink model of stations: what is compared, in which levels, and the trained weights of each.

Comparisons stand here, the probabilities in schemas/settings/place_model.json, which `training` writes: m is the share
of a level among pairs at one place, u among compared pairs at two places (Fellegi and Sunter 1969). Pairs are compared
within the blocks of BLOCKS only, so u and the prior are those within blocks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agrilake.errors import ContractError
from agrilake.linking.words import OFFICE
from agrilake.paths import project_root

if TYPE_CHECKING:
    from splink import SettingsCreator
    from splink.internals.comparison_creator import ComparisonCreator
    from splink.internals.comparison_level_creator import ComparisonLevelCreator

OTHER_DEPARTMENT = "l.dataset <> r.dataset"
BLOCKS = (
    f"l.village = r.village AND {OTHER_DEPARTMENT}",
    f"l.division_code = r.division_code AND {OTHER_DEPARTMENT}",
    f"l.township_code = r.township_code AND l.cell = r.cell AND {OTHER_DEPARTMENT}",
    f"l.township_code = r.township_code AND l.shifted_cell = r.shifted_cell AND {OTHER_DEPARTMENT}",
)
"""Pairs that are compared: of one village; or of one town and within some hundred metres, where a department put a
station to the village next door. A department has one number a place, so its own records are not compared."""

IN_OFFICE_L, IN_OFFICE_R = (f"list_contains(marks_{side}, '{OFFICE}')" for side in "lr")
BOTH_OFFICES = f"{IN_OFFICE_L} AND {IN_OFFICE_R}"
APART = "greatest(abs(lat_l - lat_r), abs(lon_l - lon_r)) > 0.003"
OVERLAP = "len(list_intersect(grams_l, grams_r)) / greatest(least(len(grams_l), len(grams_r)), 1)"
LEVELS: dict[str, tuple[tuple[str, str], ...]] = {
    "distance": (
        ("null", "lat_l IS NULL OR lat_r IS NULL"),
        ("25 m", "0.025"),
        ("40 m", "0.04"),
        ("65 m", "0.065"),
        ("120 m", "0.12"),
        ("350 m", "0.35"),
        ("700 m", "0.7"),
        ("else", ""),
    ),
    "mark": (
        (
            "usual office",
            f"({IN_OFFICE_L} AND office_usual_r OR {IN_OFFICE_R} AND office_usual_l) AND village_l = village_r",
        ),
        ("not the office", "len(grams_l) > 0 AND office_usual_r OR len(grams_r) > 0 AND office_usual_l"),
        ("null", "(len(marks_l) = 0 AND near_l IS NULL) OR (len(marks_r) = 0 AND near_r IS NULL)"),
        ("offices apart", f"{BOTH_OFFICES} AND village_l = village_r AND ({APART})"),
        ("same office", f"{BOTH_OFFICES} AND village_l = village_r"),
        ("other office", BOTH_OFFICES),
        ("same name", "list_has_any(marks_l, marks_r)"),
        ("similar name", f"{OVERLAP} >= 0.5"),
        ("next door", "list_contains(marks_l, near_r) OR list_contains(marks_r, near_l)"),
        ("same neighbour", "near_l = near_r"),
        ("other name", "len(marks_l) > 0 AND len(marks_r) > 0"),
        ("other neighbour", "near_l <> near_r"),
        ("else", ""),
    ),
    "group": (
        ("null", "group_no_l IS NULL OR group_no_r IS NULL"),
        ("same", "group_no_l = group_no_r"),
        ("else", ""),
    ),
    "door": (
        ("null", "(road_l IS NULL AND door_l IS NULL) OR (road_r IS NULL AND door_r IS NULL)"),
        ("same number", "door_l = door_r AND coalesce(road_l = road_r, true)"),
        ("same road", "road_l = road_r AND (door_l IS NULL OR door_r IS NULL)"),
        ("else", ""),
    ),
    "choice": (
        ("null", "village_l <> village_r"),
        ("one by one", "in_village_l * in_village_r = 1"),
        ("one by two", "in_village_l * in_village_r = 2"),
        ("more", "in_village_l * in_village_r <= 4"),
        ("else", ""),
    ),
    "village": (
        ("same", "village_l = village_r"),
        ("same code", "division_code_l = division_code_r"),
        ("else", ""),
    ),
}
"""Levels of each comparison by name, from the strongest; the SQL is DuckDB's, distances are kilometres."""


@dataclass(frozen=True)
class Model:
    """A trained model: `prior` is the share of compared pairs that are one place, `levels` {comparison: {level: (m,
    u)}}. Pairs from the probability `link` on are linked; those within `doubtful` are for a person to look at, linked
    or not; places whose pairs have a mean log-odds below `contradiction` stay apart. `trained_on` says from what."""

    version: str
    prior: float
    levels: dict[str, dict[str, tuple[float, float]]]
    link: float = 0.5
    doubtful: tuple[float, float] = (0.1, 0.9)
    contradiction: float = -2.0
    trained_on: dict[str, Any] = field(default_factory=dict)


def model_path() -> Path:
    """The committed model."""
    return project_root() / "schemas" / "settings" / "place_model.json"


def load_model(path: Path | None = None) -> Model:
    """The committed model; ContractError where the file lacks weights for a level that is compared."""
    path = path or model_path()
    data = json.loads(path.read_text(encoding="utf-8"))
    levels = {name: {level: tuple(pair) for level, pair in found.items()} for name, found in data["levels"].items()}
    for name, wanted in LEVELS.items():
        if missing := [level for level, _ in wanted if level != "null" and level not in levels.get(name, {})]:
            remedy = "train the model again: benchmarks/train_place_model.py"
            raise ContractError(str(path), f"levels.{name}", f"no weights for {', '.join(missing)}", remedy)
    return Model(**{**data, "levels": levels, "doubtful": tuple(data["doubtful"])})


def settings(model: Model | None = None) -> SettingsCreator:
    """Splink's settings; without a model every level counts the same, as training needs it."""
    from splink import SettingsCreator
    from splink import comparison_library as cl
    from splink.blocking_rule_library import CustomRule

    comparisons: list[ComparisonCreator | dict[str, Any]] = [
        cl.CustomComparison(output_column_name=name, comparison_levels=list(_levels(name, model))) for name in LEVELS
    ]
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="site_id",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[CustomRule(rule) for rule in BLOCKS],
        probability_two_random_records_match=model.prior if model else 0.5,
        retain_matching_columns=True,
        retain_intermediate_calculation_columns=False,
    )


def _levels(comparison: str, model: Model | None) -> list[ComparisonLevelCreator]:
    from splink import comparison_level_library as cll

    found: list[ComparisonLevelCreator] = []
    for name, condition in LEVELS[comparison]:
        level: ComparisonLevelCreator
        if name == "null":
            found.append(cll.CustomLevel(condition).configure(is_null_level=True, label_for_charts=name))
            continue
        if name == "else":
            level = cll.ElseLevel()
        elif comparison == "distance":
            level = cll.DistanceInKMLevel("lat", "lon", float(condition))
        else:
            level = cll.CustomLevel(condition)
        m, u = model.levels[comparison][name] if model else (0.5, 0.5)
        found.append(level.configure(m_probability=m, u_probability=u, label_for_charts=name))
    return found


def level_names(comparison: str) -> dict[int, str]:
    """The levels by Splink's number: -1 is null, 0 the last, the strongest the highest."""
    named = [name for name, _ in LEVELS[comparison] if name != "null"]
    return {-1: "null", **dict(enumerate(reversed(named)))}
