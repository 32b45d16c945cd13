"""What commands print while they work."""

from __future__ import annotations

import io

from rich.console import Console

from agrilake.commands.output import telling


def test_progress_into_a_log_is_a_line_for_each_change() -> None:
    log = Console(file=io.StringIO(), force_terminal=False)
    with telling(log) as tell:
        for line in ("starting Airflow", "1 file taken", "1 file taken", "2 files taken"):
            tell(line)
    assert isinstance(log.file, io.StringIO)
    assert log.file.getvalue().splitlines() == ["starting Airflow", "1 file taken", "2 files taken"]
