"""The committed suites, expectations/<table>.json: what a person reads and a reviewer sees change."""

from __future__ import annotations

import json
from pathlib import Path

from agrilake.contract.load import Registry
from agrilake.suites.build import build_suite


def suite_texts(registry: Registry) -> dict[str, str]:
    """{file name: JSON} of every dataset and gold table, the same bytes each time."""
    return {
        f"{name}.json": json.dumps(build_suite(dataset), ensure_ascii=False, indent=2) + "\n"
        for name, dataset in {**registry.datasets, **registry.gold}.items()
    }


def write_suites(registry: Registry, folder: Path) -> list[Path]:
    """Write the suites into the folder (made if need be); returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in suite_texts(registry).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
