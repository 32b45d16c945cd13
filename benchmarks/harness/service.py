"""A Spark server that runs before the measured program, as it does in a district: lakes come and go beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agrilake.services import process
from agrilake.services.spark import NAME, TOKEN_VARIABLE, ensure_spark, stop_spark, token


@dataclass(frozen=True)
class SparkService:
    """The server of a folder of its own."""

    root: Path

    def start(self) -> None:
        """Start it where it does not run."""
        ensure_spark(self.root)

    def stop(self) -> None:
        """Stop it where it runs."""
        stop_spark(self.root)

    def pids(self) -> tuple[int, ...]:
        """Its process; none where it does not run."""
        running = process.find(self.root.resolve(), NAME)
        return (running.pid,) if running else ()

    def env(self) -> dict[str, str]:
        """What a program needs to use it."""
        running = process.find(self.root.resolve(), NAME)
        if running is None:
            raise RuntimeError("the Spark server is not running")
        return {"AGRILAKE_SPARK_REMOTE": f"sc://localhost:{running.port}", TOKEN_VARIABLE: token(self.root)}
