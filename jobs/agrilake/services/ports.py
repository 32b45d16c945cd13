"""Ports of the embedded services: on the loopback address alone, and the same again at the next start."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from agrilake.errors import ServiceError

LOOPBACK = "127.0.0.1"
LOWEST_PORT, HIGHEST_PORT = 1024, 65535


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Whether something answers on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_port() -> int:
    """A port that the operating system says is free."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def choose_port(home: Path, service: str, variable: str) -> int:
    """The port for a service that is about to start.

    The environment variable decides; else the port of the last start if it is still free, so that bookmarks and
    notebooks keep working; else any free one. The choice is remembered in <home>/run/<service>.port.

    Raises ServiceError when the variable holds no port number or a port that something else is using.
    """
    demanded = os.environ.get(variable, "").strip()
    port = _demanded_port(variable, demanded) if demanded else _remembered_port(home, service) or free_port()
    memory = _memory(home, service)
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(f"{port}\n", encoding="ascii")
    return port


def _memory(home: Path, service: str) -> Path:
    return home / "run" / f"{service}.port"


def _demanded_port(variable: str, text: str) -> int:
    if not text.isdecimal() or not LOWEST_PORT <= int(text) <= HIGHEST_PORT:
        raise ServiceError(f"{variable}={text}: expected a port from {LOWEST_PORT} to {HIGHEST_PORT}")
    if not is_free(int(text)):
        raise ServiceError(f"{variable}={text}: another program is using this port; choose another one")
    return int(text)


def _remembered_port(home: Path, service: str) -> int | None:
    try:
        port = int(_memory(home, service).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return port if LOWEST_PORT <= port <= HIGHEST_PORT and is_free(port) else None
