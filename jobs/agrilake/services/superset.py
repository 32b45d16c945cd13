"""Superset on this machine, in an environment of its own, since it needs other versions of the same libraries.

Here it is only started and stopped; superset_exports/superset_config.py says how it looks and what it may read.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import httpx

from agrilake.errors import ServiceError
from agrilake.paths import project_root
from agrilake.services import ports, process

NAME = "superset"
START_SECONDS = 240.0
THREADS = "8"


def ensure_superset(home: Path) -> process.Running:
    """The running Superset of this home, started if need be; its metadata must have been made by `superset db upgrade`.

    Raises ServiceError if it does not start or its environment is not installed.
    """
    home = home.resolve()
    return process.ensure(home, NAME, lambda: server_command(home), _answers, START_SECONDS)


def stop_superset(home: Path) -> bool:
    """Stop Superset; False if it was not running."""
    return process.stop(home.resolve(), NAME)


def superset_command(
    home: Path, *arguments: str, extra_env: dict[str, str] | None = None, timeout_seconds: float = 600.0
) -> subprocess.CompletedProcess[str]:
    """Run Superset's own command line (`db upgrade`, `init`, `fab create-admin`, `import-directory`).

    Secrets go in by `extra_env`, since arguments can be read by everybody. Raises ServiceError with the output
    if the command fails.
    """
    home = home.resolve()
    result = subprocess.run(
        [str(_program("superset")), *arguments],
        env=superset_environment(home) | (extra_env or {}),
        cwd=home / "superset",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_seconds,
    )
    if result.returncode:
        output = f"{result.stdout}\n{result.stderr}"
        raise ServiceError(f"superset {' '.join(arguments[:2])} failed:\n{output.strip()[-4000:]}")
    return result


def server_command(home: Path) -> process.Command:
    """How the server is started: one process with threads, which suits one machine and needs one copy in memory."""
    port = ports.choose_port(home, NAME, "AGRILAKE_SUPERSET_PORT")
    argv = (
        str(_program("gunicorn")),
        *("--bind", f"{ports.LOOPBACK}:{port}", "--workers", "1", "--worker-class", "gthread"),
        *("--threads", THREADS, "--timeout", "180", "--graceful-timeout", "10", "--no-control-socket"),
        "superset.app:create_app()",
    )
    return process.Command(NAME, argv, superset_environment(home), home / "superset", port)


def superset_environment(home: Path) -> dict[str, str]:
    """The environment of every Superset program."""
    folder = home / "superset"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    secret = home / "secrets" / "superset.key"
    process.read_or_create_secret(secret, size_bytes=42)
    return {
        **os.environ,
        "SUPERSET_CONFIG_PATH": str(project_root() / "superset_exports" / "superset_config.py"),
        "SUPERSET_HOME": str(folder),
        "AGRILAKE_SUPERSET_SECRET_FILE": str(secret),
        "AGRILAKE_HOME": str(home),
        "AGRILAKE_PROJECT": str(project_root()),
        "FLASK_APP": "superset.app:create_app()",
        "PATH": f"{_program('superset').parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
    }


def _program(name: str) -> Path:
    program = project_root() / ".venv-superset" / "bin" / name
    if not program.exists():
        raise ServiceError(f"{program} is missing; run: make install")
    return program


def _answers(running: process.Running) -> bool:
    try:
        answer = httpx.get(f"http://{ports.LOOPBACK}:{running.port}/health", timeout=10.0, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK
