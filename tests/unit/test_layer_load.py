"""Layer declarations: what is refused, and that no person is put on a map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from agrilake.contract.load import load_registry
from agrilake.errors import ContractError
from agrilake.layers.load import load_layer, load_layers, person_keys
from agrilake.layers.model import Geometry
from agrilake.paths import project_root

REGISTRY = load_registry((project_root() / "schemas",))
POINTS = {
    "id": "trial",
    "title": "试",
    "description": "试",
    "source": "commerce_cold_chain",
    "geometry": "point",
    "columns": ["name"],
}
ROUTE = {"by": "route_no", "order": "stop_no", "start": "from_site"}


def declared(folder: Path, **changed: Any) -> Path:
    path = folder / "trial.yaml"
    path.write_text(yaml.safe_dump({**POINTS, **changed}, allow_unicode=True), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": "other"}, "differs from the file's name"),
        ({"colums": []}, "did you mean 'columns'"),
        ({"geometry": "circle"}, "one of point, boundary, village, route"),
        ({"source": "commerce_cold"}, "'commerce_cold' is unknown"),
        ({"columns": ["nam"]}, "no open column nam"),
        ({"source": "agri_crop_production", "columns": []}, "no open column lon, lat"),
        ({"geometry": "boundary"}, "no open column geometry"),
        ({"newest": "period"}, "no open column period"),
        ({"source": "facility", "where": {"category": "cold_chains"}}, "'cold_chains' is unknown"),
        ({"source": "facility", "where": {"categori": "cold_chain"}}, "no open column categori"),
        ({"source": "facility", "where": {"facility_no": 7}}, "7 is no text"),
        ({"history": True}, "does not come as a whole each period"),
        ({"route": ROUTE}, "a layer of routes has `route`, no other has"),
        ({"source": "postal_route", "geometry": "route", "columns": []}, "a layer of routes has `route`"),
        (
            {"source": "postal_route", "geometry": "route", "columns": [], "route": {**ROUTE, "start": "stop_no"}},
            "'stop_no' refers to nothing",
        ),
        (
            {"source": "postal_route", "geometry": "route", "columns": [], "route": {**ROUTE, "totals": {"x": "avg"}}},
            "one of sum, min, max",
        ),
        ({"source": "stats_division_crosswalk", "geometry": "village", "columns": []}, "names no division"),
        # persons: the register itself, a key of it beside a place, and a personal column
        ({"source": "civil_elder", "geometry": "village", "columns": []}, "elder_id stands for a person"),
        ({"source": "agri_land_contract", "columns": ["household_id"]}, "household_id stands for a person"),
        ({"source": "commerce_service_site", "columns": ["phone"]}, "no open column phone"),
    ],
)
def test_a_wrong_declaration_is_refused_at_its_place(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message) as refused:
        load_layer(declared(tmp_path, **changed), REGISTRY)
    assert "trial.yaml" in str(refused.value)


def test_a_declaration_needs_all_that_has_no_default(tmp_path: Path) -> None:
    path = tmp_path / "trial.yaml"
    path.write_text("id: trial\ntitle: 试\n", encoding="utf-8")
    with pytest.raises(ContractError, match="description is missing"):
        load_layer(path, REGISTRY)


def test_registers_of_persons_are_known_by_their_resident_ids() -> None:
    assert person_keys(REGISTRY) == {"household_id", "elder_id"}


def test_the_base_map_has_its_layers() -> None:
    kinds = {layer.id: layer.geometry for layer in load_layers()}
    points = ("sites", "cold_chain", "logistics_nodes", "elder_facilities", "farms", "parcels")
    assert kinds == {
        **dict.fromkeys(points, Geometry.POINT),
        "boundaries": Geometry.BOUNDARY,
        "boundary_history": Geometry.BOUNDARY,
        "villages": Geometry.VILLAGE,
        "village_profile": Geometry.VILLAGE,
        "logistics_routes": Geometry.ROUTE,
    }
