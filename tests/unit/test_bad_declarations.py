"""A wrong formula or a circle in the declarations: said at generation, with file and place, and nothing is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agrilake.contract.lineage import check_lineage
from agrilake.contract.load import Registry, load_registry
from agrilake.contract.order import in_order
from agrilake.errors import ContractError
from agrilake.paths import project_root

REGISTRY = load_registry((project_root() / "schemas",))


def with_table(name: str, **changes: Any) -> Registry:
    return replace(REGISTRY, gold=REGISTRY.gold | {name: replace(REGISTRY.gold[name], **changes)})


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's declarations and generated files."""
    root = tmp_path_factory.mktemp("project")
    for name in ("schemas", "expectations", "docs", "superset_exports"):
        shutil.copytree(project_root() / name, root / name, ignore=shutil.ignore_patterns("images"))
    return root


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "indicators/trace_batches.yaml",
            "expression: count(*)",
            "expression: sum(weight)",
            "numerator.expression: product_trace has no column 'weight'",
        ),
        (
            "indicators/online_retail_growth.yaml",
            "growth_of: online_retail_amount",
            "growth_of: online_retail_growth",
            "growth_of: a circle: online_retail_growth → online_retail_growth",
        ),
        (
            "gold/logistics_week.yaml",
            "date_trunc('week', event_on)::date",
            "date_trunc('week', event_date)::date",
            "lineage.delivery_event.week_start: delivery_event has no column 'event_date'",
        ),
    ],
)
def test_generate_says_what_is_wrong_and_writes_nothing(
    project: Path, file: str, old: str, new: str, said: str
) -> None:
    path = project / "schemas" / file
    text, dictionary = path.read_text(encoding="utf-8"), project / "docs" / "dictionary.md"
    assert old in text
    before = dictionary.stat().st_mtime_ns
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "agrilake.commands", "generate"],
            env={**os.environ, "AGRILAKE_PROJECT": str(project)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    finally:
        path.write_text(text, encoding="utf-8")
    assert done.returncode == ContractError.exit_code, done.stdout + done.stderr[-2000:]
    shown = " ".join(done.stderr.split())
    assert path.name in shown
    assert said in shown
    assert dictionary.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("lineage", "said"),
    [
        ({"delivery_events": {"division_code": "division_code"}}, "delivery_events: no table 'delivery_events'"),
        ({"delivery_event": {"village": "division_code"}}, "delivery_event.village: logistics_week has no column"),
        ({"delivery_event": {"week_start": "event_on +"}}, "delivery_event.week_start: not SQL"),
    ],
)
def test_a_lineage_names_what_is_there(lineage: dict[str, dict[str, str]], said: str) -> None:
    check_lineage(REGISTRY)
    with pytest.raises(ContractError, match=said):
        check_lineage(with_table("logistics_week", lineage=lineage))


def test_gold_tables_in_a_circle_are_refused() -> None:
    inputs = (*REGISTRY.gold["delivery_event"].inputs, "logistics_week")
    with pytest.raises(ContractError, match=r"inputs: a circle: .*delivery_event.*logistics_week"):
        in_order(with_table("delivery_event", inputs=inputs))
