"""What somebody at Airflow's door asks, and where its programs listen."""

from __future__ import annotations

import httpx
import jwt
import psutil

from agrilake.services import process

REFUSED = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}
LOG = "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/logs/{try_number}"
PAGES = (
    "/api/v2/dags",
    "/api/v2/dags/~/dagRuns",
    "/api/v2/dags/~/dagRuns/~/taskInstances",
    "/api/v2/dags/~/dagRuns/~/taskInstances/~/xcomEntries",
    "/api/v2/dagSources/gold",
    "/api/v2/assets",
    "/api/v2/assets/events",
    "/api/v2/connections",
    "/api/v2/variables",
    "/api/v2/pools",
    "/api/v2/eventLogs",
    "/api/v2/importErrors",
    "/ui/dags",
)


def codes(url: str, headers: dict[str, str], *more: str) -> dict[str, int]:
    """{page: status} of PAGES and of the others."""
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60.0) as client:
        return {path: client.get(path).status_code for path in (*PAGES, *more)}


def wrong_headers() -> dict[str, dict[str, str]]:
    """Ways to come without the right token."""
    claims = {"sub": "admin", "role": "admin", "iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 4_000_000_000}
    forged = jwt.encode(claims, "guessed" * 10, algorithm="HS512")
    return {
        "none": {},
        "another": {"Authorization": "Bearer wrong"},
        "forged": {"Authorization": f"Bearer {forged}"},
        "unsigned": {"Authorization": f"Bearer {jwt.encode(claims, '', algorithm='none')}"},
        "in a cookie": {"Cookie": f"_token={forged}"},
    }


def listening(running: process.Running) -> set[str]:
    """Addresses on which a program and all that it started listen."""
    parent = psutil.Process(running.pid)
    sockets = [item for one in (parent, *parent.children(recursive=True)) for item in one.net_connections("tcp")]
    return {str(getattr(item.laddr, "ip", None)) for item in sockets if item.status == psutil.CONN_LISTEN}
