"""The support database's declarations: keys, relations, what leaders may see, and that no dataset is left out."""

from __future__ import annotations

import re

from agrilake.catalog.diagram import entity_relations, support_database
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.settings import load_settings
from agrilake.indicators.load import load_indicators
from agrilake.layers.load import load_layers
from agrilake.publish.model import LEADER
from agrilake.tables.types import constraint

REGISTRY = load_registry()
PERSONS = ("household_id", "elder_id", "visit_id", "payment_id", "parcel_code", "machine_no")
ENTITY = re.compile(r'    (\w+)\["(.+)"\](?: \{)?')
RELATION = re.compile(r'    (\w+) (?:\|\||\|o)--(?:o\{|o\|) (\w+) : "(.+)"')
ATTRIBUTE = re.compile(r'        [a-z]+ \w+ (?:PK, FK|PK|FK) ".+"')


def reached(registry: Registry) -> set[str]:
    """Department datasets, reference data too, behind an indicator, a layer or a table that leaders see."""
    sources = {name for item in load_indicators() for name in item.sources} | {item.source for item in load_layers()}
    waiting = [*sources, *(table.id for table in registry.gold.values() if LEADER in table.published)]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += registry.gold[name].inputs if name in registry.gold else []
    return seen & registry.datasets.keys()


def test_every_dataset_reaches_an_indicator_a_layer_or_a_table_that_leaders_see() -> None:
    assert len(REGISTRY.datasets) == 34
    assert sorted(REGISTRY.datasets.keys() - reached(REGISTRY)) == []


def test_every_gold_table_has_a_key_and_finds_its_division() -> None:
    for table in REGISTRY.gold.values():
        assert table.key, table.id
        for column in table.columns:
            if column.name == "division_code" and table.id != "division":
                assert column.reference is not None, table.id
                assert (column.reference.dataset, column.reference.column) == ("division", "division_code"), table.id


def test_a_relation_leads_to_a_key_within_gold() -> None:
    for table in REGISTRY.gold.values():
        for column in table.columns:
            if column.reference:
                assert REGISTRY.gold[column.reference.dataset].key == (column.reference.column,), (
                    table.id,
                    column.name,
                )


def test_leaders_see_no_number_that_stands_for_a_person_or_a_household() -> None:
    for table in REGISTRY.gold.values():
        if LEADER in table.published:
            assert not {column.name for column in table.columns} & set(PERSONS), table.id


def test_the_table_itself_refuses_what_the_contract_excludes() -> None:
    check = constraint(REGISTRY.gold["livestock"])
    assert "output_t IS NOT NULL" in check
    assert "(stock IS NULL OR stock >= 0)" in check
    assert "facility_type IN ('home'" in constraint(REGISTRY.gold["facility"])


def test_the_picture_shows_every_table_once_and_every_relation() -> None:
    page = support_database(REGISTRY, load_settings())
    diagrams = re.findall(r"```mermaid\nerDiagram\n(.*?)```", page, flags=re.DOTALL)
    drawn = [ENTITY.fullmatch(line) for diagram in diagrams for line in diagram.splitlines()]
    with_columns = [match[1] for match in drawn if match and match[0].endswith("{")]
    assert sorted(with_columns) == sorted(REGISTRY.gold)
    lines = [RELATION.fullmatch(line) for diagram in diagrams for line in diagram.splitlines()]
    found = {(match[1], match[2]) for match in lines if match}
    declared = {
        (column.reference.dataset, table.id)
        for table in REGISTRY.gold.values()
        for column in table.columns
        if column.reference and column.reference.dataset not in ("division", table.id)
    }
    assert found == declared
    assert ("household", "parcel") in found


def test_the_picture_is_what_mermaid_reads() -> None:
    known = (ENTITY, RELATION, ATTRIBUTE, re.compile("    }|erDiagram"))
    for line in entity_relations(REGISTRY.gold.values(), REGISTRY):
        assert any(shape.fullmatch(line) for shape in known), line
