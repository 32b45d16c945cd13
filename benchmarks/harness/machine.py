"""Where and by what figures were taken."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("polars", "deltalake", "duckdb", "pyspark", "delta-spark", "pyarrow", "pandas", "apache-airflow")


def machine(folder: Path) -> dict[str, Any]:
    """Processor, cores, memory, system, the file system of `folder`, and the load before the first run; no names."""
    memory = psutil.virtual_memory()
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": memory.total,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "file_system": _file_system(folder),
        "load_before": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Versions of Python, Java and the engines."""
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr.splitlines()
    found = {"python": platform.python_version(), "java": java[0].split('"')[1] if java else "none"}
    return found | {name: version(name) for name in PACKAGES}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _file_system(folder: Path) -> str:
    found = [part for part in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(part.mountpoint)]
    return max(found, key=lambda part: len(part.mountpoint)).fstype if found else "unknown"
