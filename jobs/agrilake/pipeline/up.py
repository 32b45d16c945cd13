"""`agrilake up` and `down`: services, sample extracts, and waiting while Airflow does the work."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agrilake.contract.roles import ADMINISTRATOR, ANALYST, LEADER, STEWARD, load_roles
from agrilake.errors import ServiceError
from agrilake.indicators.load import load_indicators
from agrilake.paths import project_root
from agrilake.pipeline.context import Lake
from agrilake.pipeline.publishing import publication_is_current
from agrilake.pipeline.samples import drop_sample
from agrilake.pipeline.status import LakeStatus, lake_status
from agrilake.publish import current_publication
from agrilake.services import airflow, process, spark, superset
from agrilake.superset.accounts import accounts
from agrilake.superset.setup import EXPORTS, password_file, setup

POLL_SECONDS = 3.0
DEADLINE_SECONDS = 3600.0
DASHBOARD = "superset/dashboard/overview/"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class UpResult:
    """What `up` prints: counts, and (service, address, login, password file)."""

    files: int
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    rows_duplicate: int
    indicators: int
    publication: str
    services: list[tuple[str, str, str, str]]
    failures: list[str]

    def table(self) -> list[tuple[str, object]]:
        """Counts for people."""
        counts: list[tuple[str, object]] = [
            ("files", self.files),
            ("rows read", self.rows_read),
            ("rows accepted", self.rows_accepted),
            ("rows quarantined", self.rows_quarantined),
            ("rows duplicate", self.rows_duplicate),
            ("indicators", self.indicators),
            ("publication", self.publication),
        ]
        return counts + [("failed", line) for line in self.failures]

    def addresses(self) -> list[tuple[str, str, str, str]]:
        """Rows for a table of addresses."""
        return self.services


def bring_up(lake: Lake, sample: bool, tell: Tell) -> UpResult:
    """Start what does not run, drop sample extracts into an empty lake, wait until everything is published.

    Raises ServiceError where a service does not start, or the lake does not come to rest within an hour.
    """
    lake.ensure_key()
    if sample and _is_empty(lake):
        tell("making sample extracts")
        drop_sample(lake.home)
    home = lake.home.root
    with ThreadPoolExecutor(1) as pool:
        dashboards = pool.submit(_start_superset, home)
        tell("starting the Spark Connect server")
        spark.ensure_spark(home)
        tell("starting Airflow")
        airflow.ensure_airflow(home)
        _wait_at_rest(lake, tell)
        tell("preparing the dashboards")
        dashboards.result()
    return _result(lake)


def _start_superset(home: Path) -> None:
    setup(home, project_root())
    superset.ensure_superset(home)


def _is_empty(lake: Lake) -> bool:
    return not lake.state.deliveries() and not any(lake.home.inbox.rglob("*.*"))


def _wait_at_rest(lake: Lake, tell: Tell) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = lake_status(lake)
        if found.at_rest and publication_is_current(lake):
            return
        tell(_progress_line(found))
        time.sleep(POLL_SECONDS)
    lines = "; ".join(failure.line for failure in lake.state.open_failures())
    raise ServiceError(
        f"the lake did not come to rest within {DEADLINE_SECONDS:.0f} s: {lines or 'see agrilake status'}"
    )


def _progress_line(found: LakeStatus) -> str:
    taken = found.deliveries.get("accepted", 0) + found.deliveries.get("partial", 0)
    waiting = found.inbox_files + found.to_process
    return (
        f"Airflow at work: {taken} files taken, {waiting} to take, {len(found.silver_behind)} silver tables behind, "
        f"{len(found.suites)} suites run"
        + (f", {len(found.failures)} failures (agrilake status)" if found.failures else "")
    )


def _result(lake: Lake) -> UpResult:
    deliveries = lake.state.deliveries()
    current = current_publication(lake.home)
    return UpResult(
        files=len(deliveries),
        rows_read=sum(item.records for item in deliveries),
        rows_accepted=sum(item.accepted for item in deliveries),
        rows_quarantined=sum(item.quarantined for item in deliveries),
        rows_duplicate=sum(item.duplicate for item in deliveries),
        indicators=len(load_indicators()),
        publication=str(current.version) if current else "",
        services=_addresses(lake.home.root),
        failures=[item.line for item in lake.state.open_failures()],
    )


def _addresses(home: Path) -> list[tuple[str, str, str, str]]:
    found = {running.name: running for running in process.status(home)}
    rows = []
    if superset.NAME in found:
        base = f"http://127.0.0.1:{found[superset.NAME].port}/"
        logins = {role.kind: role.login for role in load_roles()}
        for title, address, kind in (
            ("Superset 数字乡村总览", base + DASHBOARD, LEADER),
            ("Superset 部门数据", base, ANALYST),
            ("Superset 数据管理", base, STEWARD),
            ("Superset", base, ADMINISTRATOR),
        ):
            rows.append((title, address, logins[kind], str(password_file(home, logins[kind]))))
        own = [item.login for item in accounts(project_root() / EXPORTS) if item.department]
        rows.append(("Superset 各部门", base, f"{own[0]} … {own[-1]}", str(password_file(home, "<login>"))))
    if airflow.NAME in found:
        address = f"http://127.0.0.1:{found[airflow.NAME].port}/"
        rows.append(("Airflow", address, "admin", str(airflow.password_file(home))))
    if spark.NAME in found:
        rows.append(("Spark Connect", spark.address(found[spark.NAME]), "token", str(home / "run/spark.token")))
    return rows


def bring_down(home: Path) -> list[str]:
    """Stop the services of this home; the names of those that ran."""
    stops = {"superset": superset.stop_superset, "airflow": airflow.stop_airflow, "spark": spark.stop_spark}
    return [name for name, stop in stops.items() if stop(home)]
