"""Check hostile files in a process that may have so much memory and no more.

Run as `python -m tests.corpus.limited HOME LIMIT FILE …` (LIMIT in bytes of address space); prints one line of JSON a
file: its name, status, code, records, the process's peak of resident memory in bytes, and seconds.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from tests.support.intake import open_lake

from agrilake.pipeline.intake import check_only


def main(root: Path, limit: int, files: list[Path]) -> None:
    """Dry runs of the intake, one after the other, in one process: the peak is that of the worst."""
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    lake = open_lake(root)
    for file in files:
        begun = time.monotonic()
        delivery, _, _ = check_only(lake, file)
        seconds = round(time.monotonic() - begun, 1)
        print(json.dumps([file.name, delivery.status, delivery.code, delivery.records, peak(), seconds]), flush=True)


def peak() -> int:
    """The process's own peak of resident memory in bytes; `getrusage` would count that of the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
