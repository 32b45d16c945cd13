"""Airflow on this machine: API server, scheduler and DAG processor, and a client for its REST API.

All settings go in by the environment, so there is no airflow.cfg to edit. Metadata is SQLite under the home,
which suits one machine; production sets AIRFLOW__DATABASE__SQL_ALCHEMY_CONN, which wins over the value here.
The triggerer is left out, since no task of the lake is deferred.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import httpx

from agrilake.errors import ServiceError
from agrilake.paths import project_root
from agrilake.services import ports, process

NAME, SCHEDULER, DAG_PROCESSOR = "airflow-api", "airflow-scheduler", "airflow-dags"
COMPONENTS = {
    NAME: ("api-server",),
    SCHEDULER: ("scheduler", "--skip-serve-logs"),  # the log server would listen on all addresses
    DAG_PROCESSOR: ("dag-processor",),
}
PARTS = ("metadatabase", "scheduler", "dag_processor")
STOP_ORDER = (SCHEDULER, DAG_PROCESSOR, NAME)
PRELOADED = (
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    "agrilake.contract.load",
    "great_expectations",
    "pandas",
    "pyspark.sql.connect.session",
)
"""Imported once, in the process that workers and tasks are forked from: a task of its own would spend seconds on it.
Not Polars and not delta-rs: they keep threads, which a fork loses."""
USER = "admin"
START_SECONDS = 240.0
PAGE = 100
FINAL_STATES = frozenset({"success", "failed"})


def ensure_airflow(home: Path, dags: Path | None = None) -> process.Running:
    """Airflow's API server, with scheduler and DAG processor beside it, all healthy; started if need be.

    `dags` is the folder with DAG files, <project>/dags unless given. Raises ServiceError if one does not start.
    """
    home = home.resolve()
    with process.locked(home, "airflow"):
        api = process.find(home, NAME)
        port = api.port if api and api.port else ports.choose_port(home, NAME, "AGRILAKE_AIRFLOW_PORT")
        env = airflow_environment(home, port, dags)
        _migrate(home, env)
        try:
            first = [_start_component(home, name, env, port) for name in (NAME, DAG_PROCESSOR)]
            # a task that starts before the API server answers fails at once, so nothing is scheduled until then
            process.wait_ready(first[0], lambda _: _healthy(first, port, "metadatabase"), START_SECONDS)
            started = [*first, _start_component(home, SCHEDULER, env, port)]
            process.wait_ready(started[0], lambda _: _healthy(started, port, *PARTS), START_SECONDS)
        except BaseException:
            stop_airflow(home)
            raise
    return started[0]


def stop_airflow(home: Path) -> bool:
    """Stop Airflow with the tasks it is running; False if none of its programs ran."""
    stopped = [name for name in STOP_ORDER if process.stop(home.resolve(), name)]
    return bool(stopped)


def airflow_command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Airflow's own command line against this home. Raises ServiceError with its output if it fails."""
    home = home.resolve()
    api = process.find(home, NAME)
    env = airflow_environment(home, api.port if api and api.port else 0, None)
    return _run(home, env, *arguments)


def airflow_environment(home: Path, port: int, dags: Path | None) -> dict[str, str]:
    """The environment of every Airflow program and so of every task: secrets, places, and a small size."""
    secrets = home / "secrets"
    url = f"http://{ports.LOOPBACK}:{port}"
    settings = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": os.environ.get("AGRILAKE_AIRFLOW_PARALLELISM") or "4",
        "CORE__DAGS_FOLDER": str((dags or project_root() / "dags").resolve()),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
        "CORE__DAGBAG_IMPORT_TIMEOUT": "120",
        "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "5",
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "CORE__FERNET_KEY": process.read_or_create_secret(secrets / "airflow-fernet.key") + "=",
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file(home)),
        # a writer waits for another one: without it a busy machine sees "database is locked"
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow' / 'airflow.db'}?timeout=60",
        "API__HOST": ports.LOOPBACK,
        "API__PORT": str(port),
        "API__BASE_URL": url,
        "API__WORKERS": "1",
        "API__INSTANCE_NAME": "agrilake",
        "API__SECRET_KEY": process.read_or_create_secret(secrets / "airflow-api.key"),
        "API_AUTH__JWT_SECRET": process.read_or_create_secret(secrets / "airflow-jwt.key", size_bytes=64),
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "150",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        # tasks of a scheduler that died run again within a minute or two, not after five
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
        "SCHEDULER__MP_START_METHOD": "forkserver",
        "SCHEDULER__MP_FORKSERVER_PRELOAD": ",".join(PRELOADED),
        "WORKERS__EXECUTION_API_TIMEOUT": "30",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs" / "airflow"),
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home / "logs" / "airflow" / "dag_processor"),
        # Airflow opens its log folders to the group and to others, whatever the umask
        "LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "LOGGING__COLORED_CONSOLE_LOG": "False",
        "LOGGING__NAMESPACE_LEVELS": "great_expectations=WARNING",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    own = {f"AIRFLOW__{key}": value for key, value in settings.items()}
    programs = Path(sys.executable).parent
    return {
        **own,
        **os.environ,
        "AIRFLOW_HOME": str(home / "airflow"),
        "AGRILAKE_HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def password(home: Path) -> str:
    """The password of Airflow's user `admin`; made at random when there is none yet."""
    return str(json.loads(password_file(home.resolve()).read_text(encoding="utf-8"))[USER])


class AirflowClient:
    """Airflow's REST API (v2), signed in. Use it as a context manager, or close it.

    Methods return the API's own JSON objects. All raise ServiceError when Airflow refuses or does not answer.
    """

    def __init__(self, url: str, user: str, secret: str, timeout_seconds: float = 60.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_seconds, trust_env=False)
        answer = self._call("POST", "/auth/token", json={"username": user, "password": secret})
        self._http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    @classmethod
    def at(cls, home: Path) -> Self:
        """A client for the Airflow of this home. Raises ServiceError if it is not running."""
        home = home.resolve()
        api = process.find(home, NAME)
        if api is None:
            raise ServiceError(f"the Airflow of {home} is not running; start it with: agrilake up")
        return cls(f"http://{ports.LOOPBACK}:{api.port}", USER, password(home))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def dags(self) -> list[dict[str, Any]]:
        """All DAGs that are not stale."""
        return list(self._pages("/api/v2/dags", "dags"))

    def import_errors(self) -> list[dict[str, Any]]:
        """Errors of DAG files that cannot be imported: `filename`, `stack_trace`."""
        return list(self._pages("/api/v2/importErrors", "import_errors"))

    def wait_for_dags(self, dag_ids: Iterable[str], deadline_seconds: float = 180.0) -> None:
        """Wait until these DAGs are known. Raises ServiceError naming what is missing and any import errors."""
        wanted = set(dag_ids)
        deadline = time.monotonic() + deadline_seconds
        while missing := wanted - {dag["dag_id"] for dag in self.dags()}:
            errors = self.import_errors()
            if errors or time.monotonic() > deadline:
                traces = "\n".join(f"{error['filename']}: {error['stack_trace']}" for error in errors)
                raise ServiceError(f"Airflow does not know these DAGs: {', '.join(sorted(missing))}\n{traces}")
            time.sleep(1.0)

    def pause(self, dag_id: str, paused: bool = True) -> None:
        """Pause a DAG, or unpause it with paused=False."""
        self._call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": paused})

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run."""
        self.pause(dag_id, paused=False)

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None, run_id: str | None = None) -> str:
        """Start a run without a logical date; returns its run id."""
        body = {"logical_date": None, "conf": conf or {}, **({"dag_run_id": run_id} if run_id else {})}
        return str(self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def dag_runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        """The runs of a DAG, or of all DAGs."""
        return list(self._pages(f"/api/v2/dags/{dag_id}/dagRuns", "dag_runs"))

    def dag_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run, with its `state`."""
        return self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def wait_for_run(self, dag_id: str, run_id: str, deadline_seconds: float = 600.0) -> str:
        """Wait until a run has ended; returns `success` or `failed`. Raises ServiceError at the deadline."""
        deadline = time.monotonic() + deadline_seconds
        while (state := str(self.dag_run(dag_id, run_id)["state"])) not in FINAL_STATES:
            if time.monotonic() > deadline:
                raise ServiceError(f"run {run_id} of {dag_id} is {state} after {deadline_seconds:g} s")
            time.sleep(0.5)
        return state

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run: `task_id`, `map_index`, `state`, `try_number`, `duration`."""
        return list(self._pages(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances"))

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """What a try of a task wrote, one event a line."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        answer = self._call("GET", path, params={"map_index": map_index, "full_content": True})
        content = answer.get("content", [])
        return "\n".join(line if isinstance(line, str) else _log_line(line) for line in content)

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """The value that a task left under a key."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self._call("GET", path, params={"map_index": map_index, "deserialize": True})["value"]

    def assets(self) -> list[dict[str, Any]]:
        """All assets: `id`, `name`, `uri`, the DAGs that produce and use them."""
        return list(self._pages("/api/v2/assets", "assets"))

    def asset_events(self, dag_id: str | None = None, run_id: str | None = None) -> list[dict[str, Any]]:
        """Events of assets, of those that a DAG (and a run of it) made if given."""
        chosen = {"source_dag_id": dag_id, "source_run_id": run_id}
        parameters = {key: value for key, value in chosen.items() if value is not None}
        return list(self._pages("/api/v2/assets/events", "asset_events", parameters))

    def set_pool(self, name: str, slots: int) -> None:
        """Make a pool of this size, or change its size."""
        known = {pool["name"] for pool in self._pages("/api/v2/pools", "pools")}
        if name in known:
            body = {"pool": name, "slots": slots, "include_deferred": False}
            self._call("PATCH", f"/api/v2/pools/{name}", json=body)
        else:
            self._call("POST", "/api/v2/pools", json={"name": name, "slots": slots})

    def _pages(self, path: str, key: str, parameters: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            answer = self._call("GET", path, params={"limit": PAGE, "offset": offset, **(parameters or {})})
            items = answer[key]
            yield from items
            offset += len(items)
            if not items or offset >= answer["total_entries"]:
                return

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, headers={"Accept": "application/json"}, **options)
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise ServiceError(f"Airflow refused {method} {path}: {error.response.text}") from error
        except httpx.HTTPError as error:
            raise ServiceError(f"Airflow does not answer {method} {path}: {error}") from error
        content: dict[str, Any] = answer.json() if answer.content else {}
        return content


def _log_line(event: dict[str, Any]) -> str:
    parts = (event.get("timestamp"), event.get("level"), event.get("event"))
    return " ".join(str(part) for part in parts if part)


def password_file(home: Path) -> Path:
    """The file of the simple auth manager. Airflow would print a password that it makes itself, so it finds one."""
    file = home / "secrets" / "airflow-passwords.json"
    if not file.exists():
        secret = process.read_or_create_secret(home / "secrets" / "airflow-admin.password", size_bytes=12)
        process.write_private(file, json.dumps({USER: secret}))
    return file


def _migrate(home: Path, env: dict[str, str]) -> None:
    """Bring the metadata database to this version of Airflow; skipped when that was done, since it takes seconds."""
    done = home / "airflow" / "migrated"
    if done.exists() and done.read_text(encoding="ascii") == version("apache-airflow"):
        return
    done.parent.mkdir(parents=True, exist_ok=True)
    done.parent.chmod(0o700)
    _run(home, env, "db", "migrate")
    done.write_text(version("apache-airflow"), encoding="ascii")


def _run(home: Path, env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [*_program(), *arguments], env=env, cwd=home / "airflow", capture_output=True, text=True, check=False
    )
    if result.returncode:
        output = f"{result.stdout}\n{result.stderr}"
        raise ServiceError(f"airflow {' '.join(arguments)} failed:\n{output.strip()[-4000:]}")
    return result


def _program() -> tuple[str, ...]:
    return (sys.executable, "-m", "airflow")


def _start_component(home: Path, name: str, env: dict[str, str], port: int) -> process.Running:
    own_port = port if name == NAME else None
    command = process.Command(name, (*_program(), *COMPONENTS[name]), env, home / "airflow", own_port)
    return process.find(home, name) or process.start(home, command)


def _healthy(components: list[process.Running], port: int, *wanted: str) -> bool:
    for component in components:
        process.check_alive(component)
    try:
        health = httpx.get(f"http://{ports.LOOPBACK}:{port}/api/v2/monitor/health", timeout=5.0, trust_env=False)
        parts = health.json()
    except (httpx.HTTPError, ValueError):
        return False
    return all(parts[part]["status"] == "healthy" for part in wanted)
