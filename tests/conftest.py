"""What all tests share: a key of their own, one Spark server a session, one lake built from the small sample."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.samples import drop_sample
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.intake.keys import KEY_VARIABLE, create_key
from agrilake.lake.state import State
from agrilake.paths import Home
from agrilake.pipeline.context import Lake


class BySuite(LoadScopeScheduling):
    """The tables' suite on one worker, those of the services (Airflow, Superset, the kills) on another, each with its
    own Spark server."""

    def _split_scope(self, nodeid: str) -> str:
        return "tables" if nodeid.startswith("tests/spark/") else "services"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """`--dist loadgroup` (Makefile) shares by suite; other ways are as they are."""
    return BySuite(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def lake_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A pseudonym key for this session; the machine's own is never touched."""
    path = create_key(tmp_path_factory.mktemp("key") / "pseudonym.key")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, str(path))
        patch.delenv("AGRILAKE_HOME", raising=False)
        yield path


@pytest.fixture(scope="session")
def spark_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's Spark server has its log and scratch."""
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="session")
def spark_remote(spark_home: Path) -> Iterator[str]:
    """One Spark Connect server for every home of the session; its address stands in AGRILAKE_SPARK_REMOTE."""
    from agrilake.services import spark

    home = spark_home
    running = spark.ensure_spark(home)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(spark.TOKEN_VARIABLE, (home / "run" / "spark.token").read_text().strip())
            patch.setenv("AGRILAKE_SPARK_REMOTE", f"sc://127.0.0.1:{running.port}")
            yield os.environ["AGRILAKE_SPARK_REMOTE"]
    finally:
        spark.stop_spark(home)


def open_lake(root: Path) -> Lake:
    """The lake at `root`."""
    home = Home.at(root).prepare()
    return Lake(home, load_registry(), load_settings(), State(home.state_file))


@pytest.fixture(scope="session")
def small_lake(tmp_path_factory: pytest.TempPathFactory, spark_remote: str) -> Path:
    """A home that took the committed sample in one uninterrupted run. Read it, never write to it."""
    from agrilake.pipeline.run import run_all

    root = tmp_path_factory.mktemp("small") / "home"
    drop_sample(root)
    report = run_all(open_lake(root))
    assert not report.failures, report.failures
    return root
