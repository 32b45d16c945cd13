"""The catalogue as DCAT: valid against shapes, in Chinese, the same every time, and no more than may be said."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyshacl
import pytest
from rdflib import DCTERMS, RDF, RDFS, Graph, Literal, URIRef
from tests.support.catalogue import COUNTY, DIVISIONS, delivery

from agrilake.catalog.catalogue import catalogue_tables
from agrilake.catalog.dcat import ADMS, DCAT, DQV, Edition, dcat_json
from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.lake.state import State
from agrilake.layers.model import LayerFile
from agrilake.paths import project_root

SHAPES = Path(__file__).parents[1] / "data" / "dcat_shapes.ttl"
REGISTRY = load_registry((project_root() / "schemas",))
SETTINGS = load_settings()
EDITION = Edition(3, "2024-04-20T02:00:00+00:00")
NODE = SETTINGS.resource_uri + "dataset:{}"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """Two months of one dataset, a register, a resource that is not shared, and many that never came."""
    state = State(tmp_path_factory.mktemp("state") / "lake.sqlite")
    state.record_delivery(delivery("a", "commerce_training", "2024-01"))
    state.record_delivery(delivery("b", "commerce_training", "2024-03"))
    state.record_delivery(delivery("c", "commerce_cold_chain", "2024Q1"))
    state.record_delivery(delivery("d", "civil_elder", "2024-03"))
    rows = pl.LazyFrame({"division_code": ["500112101201"], "_period": ["2024-03"]})
    silver = {"stats_division": DIVISIONS, "commerce_training": rows, "commerce_cold_chain": rows, "civil_elder": rows}
    return catalogue_tables(REGISTRY, state, silver, date(2024, 4, 20))


@pytest.fixture(scope="module")
def text(tables: dict[str, pa.Table]) -> str:
    return dcat_json(REGISTRY, SETTINGS, tables, EDITION)


@pytest.fixture(scope="module")
def graph(text: str) -> Graph:
    return Graph().parse(data=text, format="json-ld")


def violations(graph: Graph) -> str:
    conforms, _, report = pyshacl.validate(graph, shacl_graph=Graph().parse(SHAPES))
    return "" if conforms else str(report)


def test_it_is_valid(graph: Graph) -> None:
    assert violations(graph) == ""


@pytest.mark.parametrize(
    "spoilt",
    [
        (NODE, DCTERMS.title, None),
        (NODE, DCTERMS.title, Literal("Cold chain", lang="zh")),
        (NODE, DCTERMS.publisher, Literal("区商务委")),
        (NODE, DCTERMS.modified, Literal("yesterday")),
        (SETTINGS.resource_uri + "distribution:{}", DCAT.accessURL, None),
        (SETTINGS.resource_uri + "period:{}", DCAT.endDate, Literal(date(2019, 1, 1))),
        (SETTINGS.resource_uri + "measurement:{}/quality_score", DQV.value, Literal("good")),
    ],
)
def test_the_shapes_find_what_is_wrong(text: str, spoilt: tuple[str, URIRef, Any]) -> None:
    """A statement taken away (None) or added beside what stands."""
    graph = Graph().parse(data=text, format="json-ld")
    name, predicate, value = spoilt
    node = URIRef(name.format("commerce_cold_chain"))
    assert (node, predicate, None) in graph
    if value is None or predicate in (DCAT.endDate, DQV.value):
        graph.remove((node, predicate, None))
    if value is not None:
        graph.add((node, predicate, value))
    assert "Constraint Violation" in violations(graph)


def test_every_resource_is_described_by_its_contract(graph: Graph) -> None:
    described = set(graph.subjects(RDF.type, DCAT.Dataset))
    assert described == {URIRef(NODE.format(name)) for name in REGISTRY.datasets}
    for dataset in REGISTRY.datasets.values():
        node = URIRef(NODE.format(dataset.id))
        assert graph.value(node, DCTERMS.title) == Literal(dataset.title, lang="zh")
        rights = [str(label) for label in graph.objects(graph.value(node, DCTERMS.rights), RDFS.label)]
        assert any(dataset.sharing in words and dataset.sharing_terms in words for words in rights), dataset.id
        assert f"隐私等级：{dataset.privacy_grade}" in rights
    notes = dict(graph.subject_objects(ADMS.versionNotes))
    assert notes == {URIRef(NODE.format("agri_livestock")): Literal("2.0.0；2022Q4 及以前 1.0.0", lang="zh")}


def test_it_says_when_where_and_how_good(graph: Graph) -> None:
    node = URIRef(NODE.format("commerce_training"))
    period = graph.value(node, DCTERMS.temporal)
    assert [str(graph.value(period, name)) for name in (DCAT.startDate, DCAT.endDate)] == ["2024-01-01", "2024-03-31"]
    assert str(graph.value(node, DCTERMS.accrualPeriodicity)).endswith("/MONTHLY")
    assert [str(place)[-12:] for place in graph.objects(node, DCTERMS.spatial)] == ["500112101000"]
    missing = URIRef(SETTINGS.resource_uri + "measurement:commerce_training/periods_missing")
    assert int(graph.value(missing, DQV.value)) == 1  # February
    never = URIRef(NODE.format("postal_parcel"))
    assert graph.value(never, DCTERMS.temporal) is None
    assert [str(place)[-12:] for place in graph.objects(never, DCTERMS.spatial)] == [COUNTY]


def test_only_what_is_shared_and_published_has_a_distribution(graph: Graph, tables: dict[str, pa.Table]) -> None:
    offered = {str(node).rsplit(":", 1)[-1] for node in graph.subjects(RDF.type, DCAT.Distribution)}
    assert offered == {"commerce_training", "commerce_cold_chain"}
    elder = URIRef(NODE.format("civil_elder"))
    assert str(graph.value(elder, DCTERMS.accessRights)).endswith("NON_PUBLIC")
    before = Graph().parse(data=dcat_json(REGISTRY, SETTINGS, tables, Edition(None, EDITION.made_at)), format="json-ld")
    assert violations(before) == ""
    assert not set(before.subjects(RDF.type, DCAT.Distribution))


def test_layers_are_resources_with_a_file_and_a_box(tables: dict[str, pa.Table]) -> None:
    points = LayerFile(
        "cold_chain",
        "冷链",
        "点",
        "point",
        "commerce_cold_chain",
        "cold_chain.parquet",
        9,
        1,
        0,
        0,
        (106.5, 29.5, 107, 30),
    )
    profile = LayerFile("village_profile", "村情", "面", "village", "village_profile", "x.parquet", 9, 0, 0, 3, None)
    edition = Edition(3, EDITION.made_at, (points, profile))
    graph = Graph().parse(data=dcat_json(REGISTRY, SETTINGS, tables, edition), format="json-ld")
    assert violations(graph) == ""
    node = URIRef(SETTINGS.resource_uri + "layer:cold_chain")
    assert [str(item) for item in graph.objects(node, DCTERMS.source)] == [NODE.format("commerce_cold_chain")]
    extent = graph.value(graph.value(node, DCTERMS.spatial), DCAT.bbox)
    assert str(extent).startswith("POLYGON ((106.500000 29.500000, 107.000000 29.500000,")
    [file] = graph.objects(node, DCAT.distribution)
    assert str(graph.value(file, DCAT.downloadURL)).endswith("000003/layers/cold_chain.parquet")
    behind = set(graph.objects(URIRef(SETTINGS.resource_uri + "layer:village_profile"), DCTERMS.source))
    assert URIRef(NODE.format("postal_site")) in behind


def test_the_same_catalogue_is_the_same_file(text: str, tables: dict[str, pa.Table]) -> None:
    assert dcat_json(REGISTRY, SETTINGS, tables, EDITION) == text
    nodes = [node["@id"] for node in json.loads(text)["@graph"]]
    assert nodes == sorted(nodes)
    assert not any(name.startswith("_:") for name in nodes)
