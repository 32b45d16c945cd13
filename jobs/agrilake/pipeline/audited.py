"""What the audit log is held against: heads that were written down, publications, the registry's deliveries."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agrilake.errors import UsageError
from agrilake.lake.audit import Head, broken_chain
from agrilake.pipeline.context import Lake
from agrilake.publish.records import records

HEAD = re.compile(r"(\d+):([0-9a-f]{64})")


def audit_findings(lake: Lake, heads: Iterable[str] = ()) -> list[str]:
    """What is wrong with the audit log, a line each. `heads` are NUMBER:HASH, as `agrilake audit head` prints them;
    UsageError for another text."""
    anchors = {f"publication {item.version}": item.audit for item in records(lake.home) if item.audit is not None}
    for text in heads:
        match = HEAD.fullmatch(text.strip())
        if match is None:
            raise UsageError(f"{text!r} is no head; expected NUMBER:HASH, as `agrilake audit head` prints it")
        anchors[f"head {match[1]}"] = Head(int(match[1]), match[2])
    return broken_chain(lake.home, anchors, {item.id: item.sequence for item in lake.state.deliveries()})
