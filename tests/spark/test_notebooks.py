"""The notebooks run to their end on a real lake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agrilake.paths import project_root

pytestmark = pytest.mark.spark


@pytest.mark.parametrize("notebook", sorted((project_root() / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, small_lake: Path, lake_key: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbmake", "-q", "-p", "no:cacheprovider", str(notebook)],
        env={**os.environ, "AGRILAKE_HOME": str(small_lake)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:]
