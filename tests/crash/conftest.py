"""The small lake of the kill matrix, before its wave of files and after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.crash import driver
from tests.crash.wave import drop_base, drop_wave
from tests.support.lakes import agrilake


@pytest.fixture(scope="session")
def taken(tmp_path_factory: pytest.TempPathFactory, spark_remote: str, lake_key: Path) -> Path:
    """A lake that took the base. Copy it, never write to it."""
    home = tmp_path_factory.mktemp("taken") / "home"
    drop_base(home)
    done = agrilake(home, "run")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="session")
def base(taken: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same lake with the wave in its inbox."""
    home = driver.copied(taken, tmp_path_factory.mktemp("base") / "home")
    drop_wave(home)
    return home


@pytest.fixture(scope="session")
def reference(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same lake after a run over the wave that nobody disturbed."""
    home = driver.copied(base, tmp_path_factory.mktemp("reference") / "home")
    done = agrilake(home, "run")
    assert done.returncode == 0, done.stderr
    return home
