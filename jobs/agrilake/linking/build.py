"""Building the gold tables whose contracts say `madeBy: linking`: read inputs, call the pure part, write by delta-rs.

No Spark: they are small. What a table was made from (the inputs' Delta versions, that of people's decisions, the rule)
is kept with its commit, so nothing is done where nothing changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import CommitProperties, write_deltalake

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.errors import ContractError
from agrilake.gold.build import input_versions
from agrilake.intake.values import silver_type
from agrilake.lake.files import scan, table_version
from agrilake.linking import identity, places, subjects
from agrilake.linking.clusters import Clusters, Ruling
from agrilake.linking.decisions import decisions, decisions_version, rulings
from agrilake.linking.model import Model, load_model, model_path
from agrilake.linking.stations import REGISTERS, stations
from agrilake.paths import Home
from agrilake.tables import small
from agrilake.tables.newest import PLACES
from agrilake.tables.write import TableWrite, commit_note, create_table, refused_by

PAIR, CHANGE, MEMBER, PLACE = "service_site_pair", "service_place_change", "service_place_member", "service_place"
DIVISION = "stats_division"
REVIEW, HISTORY = "place_review", "service_place_history"
DECIDED = (CHANGE, MEMBER, REVIEW)
"""Tables that depend on what people decided."""
CODE = Path(__file__).parent


def build_linked(home: Home, gold: Dataset, registry: Registry) -> TableWrite:
    """Bring a linked gold table up to date; unchanged where neither an input, nor a decision, nor the rule changed.

    Raises ContractError where the contract names a table that nothing here makes.
    """
    path = home.table("gold", gold.id)
    note = _note(home, gold, registry)
    if commit_note(path) == note:
        return TableWrite(gold.id, table_version(path) or 0, changed=False)
    made = _maker(gold)(Inputs(home, gold, registry, note["inputs"]))
    if gold.id == CHANGE:
        _remember(made, path, gold, note)
    else:
        small.overwrite(made, path, gold, note)
    return TableWrite(gold.id, table_version(path) or 0, changed=True)


def linked_is_current(home: Home, gold: Dataset, registry: Registry) -> bool:
    """Whether the table was made from its inputs and the decisions as they stand, by the rule as it stands."""
    return commit_note(home.table("gold", gold.id)) == _note(home, gold, registry)


def _remember(changes: pl.DataFrame, path: Path, gold: Dataset, note: dict[str, Any]) -> None:
    """Add rows to a table that forgets none."""
    create_table(path, gold)
    with refused_by(gold):
        write_deltalake(
            str(path),
            small.conformed(changes, gold),
            mode="append",
            schema_mode="merge",
            commit_properties=CommitProperties(custom_metadata={"userMetadata": json.dumps(note)}),
        )


@dataclass(frozen=True)
class Inputs:
    """What a linked table is made from, each read once, at the Delta versions that its commit will name (`versions`),
    whatever is written meanwhile; a table that is not there yet (None) has no rows."""

    home: Home
    gold: Dataset
    registry: Registry
    versions: Mapping[str, int | None]

    @cached_property
    def registers(self) -> dict[str, pl.DataFrame]:
        """The departments' registers of stations that have been delivered."""
        return self.delivered(REGISTERS)

    def delivered(self, names: Iterable[str]) -> dict[str, pl.DataFrame]:
        """Those of some silver tables that are there."""
        found = {name: self._scan("silver", name) for name in names}
        return {name: table.collect() for name, table in found.items() if table is not None}

    def silver(self, name: str) -> pl.DataFrame:
        """A silver table; no rows where it is not there yet."""
        kinds = {column.name: silver_type(column) for column in self.registry.datasets[name].silver_columns}
        return self.delivered([name]).get(name, pl.DataFrame(schema=kinds | PLACES))

    @cached_property
    def divisions(self) -> pl.DataFrame:
        """Code and name of every division, each with its newest name."""
        table = self._scan("silver", DIVISION)
        if table is None:
            return pl.DataFrame(schema={"code": pl.String, "name": pl.String})
        return (
            table.select("code", "name", "_period").collect().sort("_period").unique("code", keep="last").sort("code")
        )

    @cached_property
    def names(self) -> dict[str, pl.DataFrame]:
        """Beside divisions the titles of departments, and since when registers with states know their stations."""
        titles = [(name, self.registry.datasets[name].department_title) for name in REGISTERS]
        departments = pl.DataFrame(titles, schema=["dataset", "department"], orient="row")
        return {"divisions": self.divisions, "departments": departments, "states": self._states()}

    @cached_property
    def model(self) -> Model:
        """The committed model."""
        return load_model()

    @cached_property
    def rulings(self) -> list[Ruling]:
        """What people decided."""
        return rulings(decisions(self.home))

    @cached_property
    def places(self) -> Clusters:
        """The places as the pairs and the decisions make them."""
        return places.places_of(stations(self.registers), self.table(PAIR), self.rulings, self.model)

    def table(self, name: str) -> pl.DataFrame:
        """A gold table as it stands; no rows where it is not there yet."""
        found = self._scan("gold", name)
        if found is None:
            columns = self.registry.gold[name].columns
            return pl.DataFrame(schema={column.name: silver_type(column) for column in columns})
        return found.collect()

    def _scan(self, layer: str, name: str) -> pl.LazyFrame | None:
        version = self.versions.get(name)
        absent = name in self.versions and version is None
        return None if absent else scan(self.home.table(layer, name), version)

    def _states(self) -> pl.DataFrame:
        parts = [pl.DataFrame(schema={"site_id": pl.String, "known_from": pl.Date})]
        for name in REGISTERS:
            table = self.registry.datasets[name].history_table
            states = self._scan("silver", table) if table else None
            if states is not None:
                first = states.group_by("site_no").agg(known_from=pl.col("valid_from").min()).collect()
                parts.append(first.select(pl.concat_str(pl.lit(f"{name}:"), "site_no").alias("site_id"), "known_from"))
        return pl.concat(parts)


def _pair(inputs: Inputs) -> pl.DataFrame:
    return places.pairs(inputs.registers, inputs.divisions, inputs.model)


def _change(inputs: Inputs) -> pl.DataFrame:
    return identity.changed(inputs.places, inputs.table(CHANGE))


def _member(inputs: Inputs) -> pl.DataFrame:
    newest = identity.remembered(inputs.table(CHANGE)).drop_nulls("place_id")
    place = dict(newest.select("site_id", "place_id").iter_rows())
    return places.members(inputs.registers, place, inputs.table(PAIR), inputs.rulings, inputs.names)


def _place(inputs: Inputs) -> pl.DataFrame:
    return places.golden(inputs.table(MEMBER))


def _history(inputs: Inputs) -> pl.DataFrame:
    return places.states(inputs.table(MEMBER), inputs.table(PLACE))


def _review(inputs: Inputs) -> pl.DataFrame:
    return places.review(inputs.table(PAIR), inputs.table(MEMBER), inputs.places, inputs.rulings, inputs.model)


def _entity_link(inputs: Inputs) -> pl.DataFrame:
    records = inputs.delivered(subjects.ENTITY_RECORDS)
    found = subjects.entity_links(records, inputs.silver(subjects.ENTITIES))
    return places.named(places.with_township(found), inputs.divisions)


def _household_link(inputs: Inputs) -> pl.DataFrame:
    tables = (inputs.silver(name) for name in ("agri_farm_household", "civil_elder", "civil_assistance"))
    return places.named(places.with_township(subjects.household_links(*tables)), inputs.divisions)


MAKERS: dict[str, Callable[[Inputs], pl.DataFrame]] = {
    PAIR: _pair,
    CHANGE: _change,
    MEMBER: _member,
    PLACE: _place,
    HISTORY: _history,
    REVIEW: _review,
    "business_entity_link": _entity_link,
    "household_link": _household_link,
}


def _maker(gold: Dataset) -> Callable[[Inputs], pl.DataFrame]:
    if gold.id not in MAKERS:
        remedy = f"madeBy: linking is for {', '.join(MAKERS)}"
        raise ContractError(str(gold.path), "customProperties.madeBy", f"linking does not make {gold.id}", remedy)
    return MAKERS[gold.id]


def _note(home: Home, gold: Dataset, registry: Registry) -> dict[str, Any]:
    note = {"inputs": input_versions(home, gold, registry), "rule": _rule(gold)}
    return {**note, "decisions": decisions_version(home)} if gold.id in DECIDED else note


def _rule(gold: Dataset) -> str:
    """Changes with the contract, the model and the code of this package."""
    texts = [path.read_bytes() for path in (gold.path, model_path(), *sorted(CODE.glob("*.py")))]
    return hashlib.sha256(b"\n".join(texts)).hexdigest()[:16]
