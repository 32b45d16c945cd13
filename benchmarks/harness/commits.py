"""Which Delta tables of a lake were committed to: the count that does not depend on the machine."""

from __future__ import annotations

from collections.abc import Mapping

from deltalake import DeltaTable

from agrilake.paths import Home


def versions(home: Home) -> dict[str, int]:
    """Newest version of every Delta table of the home, by its folder."""
    logs = sorted(home.root.glob("*/**/_delta_log"))
    tables = [log.parent for log in logs if "tmp" not in log.relative_to(home.root).parts]
    return {path.relative_to(home.root).as_posix(): DeltaTable(str(path)).version() for path in tables}


def commits(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Commits since, by table; a table that was made has one more than its version."""
    counted = {name: version - before.get(name, -1) for name, version in after.items()}
    return {name: count for name, count in counted.items() if count}
