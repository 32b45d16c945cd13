"""The catalogue in DCAT: what the lake holds, for any portal that harvests DCAT or DCAT-AP.

Follows W3C DCAT 3 and the DCAT-AP 3.0 profile, quality figures in the W3C Data Quality Vocabulary. Every node has an
identifier of its own (`resource_uri` of the settings), so the same catalogue is the same file. Texts carry the language
tag zh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from rdflib import DCTERMS, FOAF, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef

from agrilake.catalog.words import version_words
from agrilake.contract.load import Registry
from agrilake.contract.model import SHARING, Dataset, Frequency
from agrilake.contract.order import datasets_behind
from agrilake.contract.settings import Settings
from agrilake.intake.dates import period_bounds
from agrilake.layers.model import LayerFile

CHINESE = "zh"
DCAT = Namespace("http://www.w3.org/ns/dcat#")  # rdflib's own knows version 2 alone
ADMS = Namespace("http://www.w3.org/ns/adms#")
DQV = Namespace("http://www.w3.org/ns/dqv#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
AUTHORITY = "http://publications.europa.eu/resource/authority/"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
THEME = URIRef(f"{AUTHORITY}data-theme/AGRI")
GEOPARQUET = URIRef("https://geoparquet.org/releases/v1.1.0/")
CGCS2000 = URIRef("http://www.opengis.net/def/crs/EPSG/0/4490")
LAYER_RIGHTS = "有条件共享：供政务部门内部使用，并遵守来源数据集的共享条件；推算的范围不作界线依据"
PARQUET = "application/vnd.apache.parquet"
WKT = URIRef("http://www.opengis.net/ont/geosparql#wktLiteral")
THEMES = URIRef(f"{AUTHORITY}data-theme")
FREQUENCIES = {
    Frequency.YEAR: "ANNUAL",
    Frequency.QUARTER: "QUARTERLY",
    Frequency.MONTH: "MONTHLY",
    Frequency.DAY: "DAILY",
}
# Even what is shared without conditions is shared among authorities, which is not yet open to everybody.
ACCESS = dict(zip(SHARING, ("RESTRICTED", "RESTRICTED", "NON_PUBLIC"), strict=True))
METRICS = {
    "quality_score": "质量得分（0 至 100）",
    "quality_change": "最新一期质量得分与之前各期平均的差（分）",
    "freshness_days": "最新报送期末至今的天数",
    "periods_missing": "欠报期数",
}
CONTEXT = {
    "adms": str(ADMS),
    "dcat": str(DCAT),
    "dcterms": str(DCTERMS),
    "dqv": str(DQV),
    "foaf": str(FOAF),
    "rdfs": str(RDFS),
    "skos": str(SKOS),
    "vcard": str(VCARD),
    "xsd": str(XSD),
}


@dataclass(frozen=True)
class Edition:
    """The publication whose files the catalogue points to, and its moment (ISO); version None before the first."""

    version: int | None
    made_at: str
    layers: tuple[LayerFile, ...] = ()


def dcat_json(registry: Registry, settings: Settings, tables: Mapping[str, pa.Table], edition: Edition) -> str:
    """The catalogue as JSON-LD, nodes in the order of their identifiers.

    `tables` are those of agrilake.catalog.catalogue.
    """
    graph = _Catalogue(registry, settings, tables, edition).graph()
    document = json.loads(graph.serialize(format="json-ld", context=CONTEXT, auto_compact=False))
    document["@graph"] = sorted(document["@graph"], key=lambda node: str(node["@id"]))
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


class _Catalogue:
    """One catalogue on its way into a graph."""

    def __init__(
        self, registry: Registry, settings: Settings, tables: Mapping[str, pa.Table], edition: Edition
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._resources: list[dict[str, Any]] = tables["catalogue"].to_pylist()
        self._coverage: list[dict[str, Any]] = tables["catalogue_coverage"].to_pylist()
        self._edition = edition
        self._graph = Graph()
        self._catalogue = self._node("catalogue", settings.district_code)

    def graph(self) -> Graph:
        self._describe_catalogue()
        self._describe_departments()
        self._describe_places()
        for name, title in METRICS.items():
            metric = self._node("metric", name)
            self._say(metric, {RDF.type: DQV.Metric, SKOS.prefLabel: _text(title)})
        for resource in self._resources:
            self._describe(self._registry.datasets[resource["dataset"]], resource)
        for layer in self._edition.layers:
            self._describe_layer(layer)
        return self._graph

    def _describe_catalogue(self) -> None:
        district = self._settings.district_name
        self._say(
            self._catalogue,
            {
                RDF.type: DCAT.Catalog,
                DCTERMS.title: _text(f"{district}涉农信息资源目录"),
                DCTERMS.description: _text(f"{district}各部门涉农信息资源的责任单位、内容、覆盖范围、质量和共享条件"),
                DCTERMS.publisher: self._node("department", self._settings.lead_department),
                DCTERMS.language: self._term("language", "ZHO", DCTERMS.LinguisticSystem),
                DCTERMS.spatial: self._node("place", self._settings.district_code),
                DCTERMS.modified: Literal(self._edition.made_at, datatype=XSD.dateTime),
                DCAT.themeTaxonomy: THEMES,
            },
        )
        self._say(THEMES, {RDF.type: SKOS.ConceptScheme, DCTERMS.title: _text("数据主题")})
        self._say(
            THEME, {RDF.type: SKOS.Concept, SKOS.prefLabel: _text("农业、渔业、林业和食品"), SKOS.inScheme: THEMES}
        )

    def _describe_departments(self) -> None:
        for code, title in self._settings.departments.items():
            agent, contact = self._node("department", code), self._node("contact", code)
            self._say(agent, {RDF.type: FOAF.Agent, FOAF.name: _text(title)})
            self._say(contact, {RDF.type: (VCARD.Kind, VCARD.Organization), VCARD.fn: _text(title)})

    def _describe_places(self) -> None:
        named = {self._settings.district_code: self._settings.district_name}
        named |= {row["township_code"]: row["township_name"] for row in self._coverage}
        for code, name in named.items():
            place = self._node("place", code)
            self._say(place, {RDF.type: DCTERMS.Location, SKOS.prefLabel: _text(name), DCTERMS.identifier: code})

    def _describe(self, dataset: Dataset, row: Mapping[str, Any]) -> None:
        node = self._node("dataset", dataset.id)
        self._graph.add((self._catalogue, DCAT.dataset, node))
        self._say(
            node,
            {
                RDF.type: DCAT.Dataset,
                DCTERMS.identifier: dataset.id,
                DCTERMS.title: _text(dataset.title),
                DCTERMS.description: _text(dataset.description),
                DCTERMS.publisher: self._node("department", dataset.department),
                DCAT.contactPoint: self._node("contact", dataset.department),
                DCAT.keyword: tuple(_text(word) for word in (dataset.title, *dataset.synonyms)),
                DCAT.theme: THEME,
                DCAT.version: dataset.version,
                ADMS.versionNotes: _text(version_words(dataset)) if dataset.earlier else None,
                DCTERMS.language: self._term("language", "ZHO", DCTERMS.LinguisticSystem),
                DCTERMS.accrualPeriodicity: self._term("frequency", FREQUENCIES[dataset.frequency], DCTERMS.Frequency),
                DCTERMS.accessRights: self._term("access-right", ACCESS[dataset.sharing], DCTERMS.RightsStatement),
                DCTERMS.rights: self._rights(dataset),
                DCTERMS.spatial: self._places(dataset.id),
                DCTERMS.temporal: self._periods(dataset.id, row),
                DCTERMS.modified: _moment(row["last_delivery_at"]),
                DQV.hasQualityMeasurement: self._measurements(dataset.id, row),
                DCAT.distribution: self._distribution(dataset, row),
            },
        )

    def _describe_layer(self, layer: LayerFile) -> None:
        """A layer is a resource of its own, made from the departments' and kept by the lead department."""
        node = self._node("layer", layer.id)
        self._graph.add((self._catalogue, DCAT.dataset, node))
        self._standard(GEOPARQUET, "GeoParquet 1.1")
        self._standard(CGCS2000, "CGCS2000 经纬度（EPSG:4490）")
        behind = datasets_behind([layer.source], self._registry)
        self._say(
            node,
            {
                RDF.type: DCAT.Dataset,
                DCTERMS.identifier: f"layer/{layer.id}",
                DCTERMS.title: _text(layer.title),
                DCTERMS.description: _text(layer.description),
                DCTERMS.publisher: self._node("department", self._settings.lead_department),
                DCAT.contactPoint: self._node("contact", self._settings.lead_department),
                DCAT.theme: THEME,
                DCTERMS.language: self._term("language", "ZHO", DCTERMS.LinguisticSystem),
                DCTERMS.accessRights: self._term("access-right", ACCESS[SHARING[0]], DCTERMS.RightsStatement),
                DCTERMS.conformsTo: CGCS2000,
                DCTERMS.spatial: self._extent(layer),
                DCTERMS.source: tuple(self._node("dataset", dataset.id) for dataset in behind),
                DCTERMS.rights: self._layer_rights(),
                DCTERMS.modified: Literal(self._edition.made_at, datatype=XSD.dateTime),
                DCAT.distribution: self._layer_file(layer),
            },
        )

    def _layer_rights(self) -> URIRef:
        node = self._node("rights", "layers")
        self._say(node, {RDF.type: DCTERMS.RightsStatement, RDFS.label: _text(LAYER_RIGHTS)})
        return node

    def _layer_file(self, layer: LayerFile) -> URIRef:
        node, kind = self._node("distribution", f"layer/{layer.id}"), URIRef(f"{MEDIA_TYPES}{PARQUET}")
        self._say(kind, {RDF.type: DCTERMS.MediaType})
        place = self._node("publication", f"{self._edition.version or 0:06d}/layers/{layer.file}")
        self._say(place, {RDF.type: RDFS.Resource})
        self._say(
            node,
            {
                RDF.type: DCAT.Distribution,
                DCTERMS.title: _text(f"{layer.title}（GeoParquet）"),
                DCAT.accessURL: place,
                DCAT.downloadURL: place,
                DCAT.mediaType: kind,
                DCAT.byteSize: Literal(layer.bytes, datatype=XSD.nonNegativeInteger),
                DCTERMS.conformsTo: GEOPARQUET,
            },
        )
        return node

    def _standard(self, node: URIRef, title: str) -> None:
        self._say(node, {RDF.type: DCTERMS.Standard, DCTERMS.title: _text(title)})

    def _extent(self, layer: LayerFile) -> URIRef:
        """The layer's bounding box, longitude before latitude as CRS84 has it; the district for an empty layer."""
        if layer.bounds is None:
            return self._node("place", self._settings.district_code)
        node = self._node("extent", layer.id)
        west, south, east, north = layer.bounds
        corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
        ring = ", ".join(f"{lon:.6f} {lat:.6f}" for lon, lat in corners)
        self._say(node, {RDF.type: DCTERMS.Location, SKOS.prefLabel: _text(f"{layer.title}的范围")})
        self._say(node, {DCAT.bbox: Literal(f"POLYGON (({ring}))", datatype=WKT)})
        return node

    def _rights(self, dataset: Dataset) -> URIRef:
        node = self._node("rights", dataset.id)
        words = [dataset.sharing + (f"：{dataset.sharing_terms}" if dataset.sharing_terms else "")]
        words += [f"隐私等级：{dataset.privacy_grade}"]
        self._say(node, {RDF.type: DCTERMS.RightsStatement, RDFS.label: tuple(_text(word) for word in words)})
        return node

    def _places(self, dataset: str) -> tuple[URIRef, ...]:
        """The townships that have data; the district where the resource is not held by township."""
        own = [row for row in self._coverage if row["dataset"] == dataset and row["rows"]]
        codes = [row["township_code"] for row in own] or [self._settings.district_code]
        return tuple(self._node("place", code) for code in codes)

    def _periods(self, dataset: str, row: Mapping[str, Any]) -> URIRef | None:
        if row["period_latest"] is None:
            return None
        node = self._node("period", dataset)
        self._say(
            node,
            {
                RDF.type: DCTERMS.PeriodOfTime,
                DCAT.startDate: _day(period_bounds(row["period_first"])[0]),
                DCAT.endDate: _day(period_bounds(row["period_latest"])[1]),
            },
        )
        return node

    def _measurements(self, dataset: str, row: Mapping[str, Any]) -> tuple[URIRef, ...]:
        found = []
        for name in METRICS:
            if row[name] is not None:
                node = self._node("measurement", f"{dataset}/{name}")
                value = Literal(Decimal(row[name]), datatype=XSD.decimal)
                kind = {RDF.type: DQV.QualityMeasurement, DQV.isMeasurementOf: self._node("metric", name)}
                self._say(node, {**kind, DQV.value: value, DQV.computedOn: self._node("dataset", dataset)})
                found.append(node)
        return tuple(found)

    def _distribution(self, dataset: Dataset, row: Mapping[str, Any]) -> URIRef | None:
        """The table in the analysts' file; nothing where nothing arrived or the resource is not shared."""
        if self._edition.version is None or row["period_latest"] is None or dataset.sharing == SHARING[-1]:
            return None
        node, kind = self._node("distribution", dataset.id), self._node("format", "duckdb")
        self._say(kind, {RDF.type: DCTERMS.MediaTypeOrExtent, RDFS.label: "DuckDB"})
        place = self._node("publication", f"{self._edition.version:06d}/analyst.duckdb")
        self._say(place, {RDF.type: RDFS.Resource})
        self._say(
            node,
            {
                RDF.type: DCAT.Distribution,
                DCTERMS.title: _text(f"{dataset.title}（分析人员数据库中的表 {dataset.id}）"),
                DCAT.accessURL: place,
                DCTERMS["format"]: kind,
                DCTERMS.rights: self._node("rights", dataset.id),
            },
        )
        return node

    def _term(self, table: str, name: str, kind: URIRef) -> URIRef:
        """A term of an authority table of the EU, as DCAT-AP names them, with its table and its class there."""
        node = URIRef(f"{AUTHORITY}{table}/{name}")
        self._say(node, {RDF.type: kind, SKOS.inScheme: URIRef(AUTHORITY + table)})
        return node

    def _node(self, kind: str, name: str) -> URIRef:
        return URIRef(f"{self._settings.resource_uri}{kind}:{quote(name)}")

    def _say(self, node: URIRef, statements: Mapping[URIRef, Any]) -> None:
        """Add statements; None is none, a tuple several, text without a language a plain literal."""
        for predicate, value in statements.items():
            values: Sequence[Any] = value if isinstance(value, tuple) else (value,)
            for item in values:
                if item is not None:
                    self._graph.add((node, predicate, Literal(item) if type(item) is str else item))


def _text(words: str) -> Literal:
    return Literal(words, lang=CHINESE)


def _day(day: date) -> Literal:
    return Literal(day.isoformat(), datatype=XSD.date)


def _moment(moment: Any) -> Literal | None:
    return None if moment is None else Literal(moment.isoformat(), datatype=XSD.dateTime)
