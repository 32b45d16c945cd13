"""The small lake of the kill matrix, before its wave of files and after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.crash import driver
from tests.crash.wave import drop_base, drop_wave
from tests.support.lakes import agrilake

Undisturbed = Callable[[tuple[str, ...]], Path]


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
    return _after(driver.RUN, base, tmp_path_factory)


@pytest.fixture(scope="session")
def undisturbed(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The lake after the run, and after another command on top of it, each made once."""
    known = {driver.RUN: reference}

    def after(command: tuple[str, ...]) -> Path:
        if command not in known:
            known[command] = _after(command, reference, tmp_path_factory)
        return known[command]

    return after


def _after(command: tuple[str, ...], home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = driver.copied(home, tmp_path_factory.mktemp(command[0]) / "home")
    done = agrilake(copy, *command)
    assert done.returncode == 0, done.stderr
    return copy
