"""Files that are derived from the declarations and committed: one command writes them all, or proves them fresh."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from agrilake.catalog.diagram import write_diagram
from agrilake.catalog.dictionary import write_dictionary
from agrilake.contract.lineage import check_lineage
from agrilake.contract.load import load_registry
from agrilake.contract.order import in_order
from agrilake.contract.settings import load_settings
from agrilake.indicators.load import load_indicators
from agrilake.layers.load import load_layers
from agrilake.paths import project_root
from agrilake.suites import write_suites
from agrilake.superset.export import write_exports

FOLDERS = ("expectations", "docs", "superset_exports")


def regenerate(check: bool = False) -> list[str]:
    """Write what is stale (with `check` only name it); paths relative to the project.

    Raises ContractError for a declaration that is wrong in itself or beside the others, before anything is written.
    Each generator writes into an empty folder; its result is compared with the committed files, so a file that no
    declaration asks for any more counts as stale as well.
    """
    root = project_root()
    registry = load_registry((root / "schemas",))
    check_lineage(registry)
    in_order(registry)
    settings, indicators = load_settings(), load_indicators()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        for name in FOLDERS:
            (fresh / name).mkdir()
        write_suites(registry, fresh / "expectations")
        write_dictionary(registry, settings, fresh / "docs", indicators, load_layers())
        write_diagram(registry, settings, fresh / "docs")
        write_exports(registry, indicators, fresh / "superset_exports")
        stale = sorted(_differences(root, fresh))
        if not check:
            for name in stale:
                _bring_over(fresh / name, root / name)
    return stale


def _differences(root: Path, fresh: Path) -> Iterator[str]:
    made = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
    for path in made:
        if not (root / path).exists() or (root / path).read_bytes() != (fresh / path).read_bytes():
            yield path.as_posix()
    for folder in {path.parent for path in made if len(path.parts) > 2} | {Path("expectations")}:
        for path in (root / folder).glob("*"):
            if path.is_file() and path.suffix in (".json", ".yaml") and path.relative_to(root) not in made:
                yield path.relative_to(root).as_posix()


def _bring_over(source: Path, target: Path) -> None:
    if not source.exists():
        target.unlink()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
