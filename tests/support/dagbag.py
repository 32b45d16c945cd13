"""Imports the DAG files as Airflow does, in a process of its own and without network, and prints them as JSON.

`dags`: {dag id: Airflow's serialized form}; `errors`: import errors; `modules`: what was imported; `seconds`:
processor time that the import of the files took, Airflow's own import left out.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agrilake.paths import project_root


def imported(airflow_home: Path, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The project's DAGs as a fresh Airflow process sees them."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.support.dagbag"],
        env={**os.environ, "AIRFLOW_HOME": str(airflow_home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False", **(env or {})},
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def refuse(*arguments: object) -> None:
    """Stands in for every way to reach the network."""
    raise OSError(f"the import of a DAG file reaches for the network: {arguments[1:]}")


def main() -> None:
    """Print the description."""
    socket.socket.connect = refuse  # type: ignore[assignment,method-assign]
    socket.getaddrinfo = refuse  # type: ignore[assignment]
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    start = time.process_time()
    bag = DagBag(project_root() / "dags", safe_mode=False, load_op_links=False)
    seconds = time.process_time() - start
    modules = sorted({name.split(".")[0] for name in sys.modules})
    dags = {name: DagSerialization.to_dict(dag)["dag"] for name, dag in bag.dags.items()}
    print(json.dumps({"dags": dags, "errors": bag.import_errors, "modules": modules, "seconds": seconds}))


if __name__ == "__main__":
    main()
