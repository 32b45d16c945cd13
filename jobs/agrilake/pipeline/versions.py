"""From a date or a lake version to the Delta version of every table."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from agrilake.contract.settings import load_settings
from agrilake.errors import UsageError
from agrilake.lake.state import State


def resolve(state: State, as_of: str | None = None, version: int | None = None) -> dict[str, int] | None:
    """Delta versions `{layer/table: version}` of the lake as of the end of a day (ISO date, or a full ISO
    moment) in the district's time zone, or of a lake version; None for the lake as it is now.

    Raises UsageError for both at once, a date that cannot be read, or a lake that did not exist yet.
    """
    if as_of is not None and version is not None:
        raise UsageError("give --as-of or --version, not both")
    if as_of is None and version is None:
        return None
    known = state.lake_versions()
    if version is not None:
        found = [item for item in known if item.version == version]
        wanted = f"version {version}"
    else:
        moment = _end_of(str(as_of))
        found = [item for item in known if datetime.fromisoformat(item.recorded_at) <= moment]
        wanted = f"a version by {as_of}"
    if not found:
        first = f"; the first is {known[0].version} of {known[0].recorded_at}" if known else ""
        raise UsageError(f"the lake has no {wanted}{first}")
    return found[-1].tables


def newest(state: State) -> dict[str, int] | None:
    """Delta versions of the newest lake version, so that who reads several tables sees one state of all of them; None
    before the first."""
    known = state.lake_versions()
    return known[-1].tables if known else None


def _end_of(text: str) -> datetime:
    zone = ZoneInfo(load_settings().timezone)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return datetime.combine(date.fromisoformat(text), time.max, tzinfo=zone)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a date such as 2024-05-31") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
