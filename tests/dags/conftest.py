"""One Airflow for the tests that need it, on a home with the small sample, one file held back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.samples import drop_sample

from agrilake.contract.load import load_registry
from agrilake.contract.settings import load_settings
from agrilake.lake.state import State
from agrilake.paths import Home
from agrilake.pipeline.context import Lake
from agrilake.pipeline.publishing import publication_is_current
from agrilake.pipeline.status import lake_status
from agrilake.services.airflow import AirflowClient, ensure_airflow, stop_airflow

HELD_BACK = "commerce_ecommerce_sales__2024-02__更正.csv"
DEADLINE_SECONDS = 800.0


@dataclass(frozen=True)
class Running:
    """An Airflow at work on a lake."""

    lake: Lake
    airflow: AirflowClient

    @property
    def home(self) -> Path:
        return self.lake.home.root

    def wait(self, until: Callable[[], bool], what: str) -> None:
        """Wait until something is so; fails with what `agrilake status` says."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not until():
            assert time.monotonic() < deadline, f"{what}: {lake_status(self.lake)}"
            time.sleep(2.0)

    def is_published(self) -> bool:
        """Whether nothing is left to do and the publication shows the lake as it stands."""
        return lake_status(self.lake).at_rest and publication_is_current(self.lake)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, spark_remote: str) -> Iterator[Running]:
    """Airflow, started on an inbox with the sample but for one file; its tasks use the session's Spark server."""
    home = Home.at(tmp_path_factory.mktemp("airflow") / "home").prepare()
    drop_sample(home.root)
    (home.inbox / "commerce" / HELD_BACK).unlink()
    try:
        ensure_airflow(home.root)
        with AirflowClient.at(home.root) as client:
            lake = Lake(home, load_registry(), load_settings(), State(home.state_file))
            yield Running(lake, client)
    finally:
        stop_airflow(home.root)
