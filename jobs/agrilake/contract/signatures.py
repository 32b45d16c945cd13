"""The named checks that a contract may ask for, and what each takes; `agrilake.checks` says what they do.

They stand here and not beside the code, so that a contract can be read without it: every task of Airflow reads all
contracts, and the checks need Polars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Signature:
    """`arguments` must be given, `optional` may be; `column_arguments` are those that name columns."""

    arguments: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    column_arguments: tuple[str, ...] = ()

    def problem(self, name: str, arguments: Mapping[str, object]) -> str | None:
        """What is wrong with the arguments of check `name`, or None."""
        missing = [item for item in self.arguments if item not in arguments]
        if missing:
            return f"check {name} needs the arguments {', '.join(missing)}"
        unknown = sorted(set(arguments) - set(self.arguments) - set(self.optional))
        allowed = ", ".join((*self.arguments, *self.optional)) or "none"
        return f"check {name} has no argument {', '.join(unknown)} (allowed: {allowed})" if unknown else None

    def columns(self, arguments: Mapping[str, object]) -> list[str]:
        """Names of the columns among the arguments."""
        found: list[str] = []
        for item in self.column_arguments:
            value = arguments.get(item, [])
            found += [str(name) for name in value] if isinstance(value, list | tuple) else [str(value)]
        return found


_COMPARISON = Signature(("other",), ("column",), ("column", "other"))
SIGNATURES = {
    "credit_code": Signature(),
    "resident_id": Signature(),
    "mobile_phone": Signature(),
    "bank_card": Signature(),
    "longitude": Signature(),
    "latitude": Signature(),
    "not_future": Signature(),
    "division_known": Signature(),
    "not_before": _COMPARISON,
    "not_above": _COMPARISON,
    "own_district": Signature(),
    "within_division": Signature(("other",), (), ("other",)),
    "range_by": Signature(("by", "ranges"), (), ("by",)),
    "ratio_by": Signature(("per", "by", "ranges"), (), ("per", "by")),
    "goes_with": Signature(("by", "allowed"), (), ("by",)),
    "agrees_with_limit": Signature(("value", "limit"), (), ("value", "limit")),
    "polygon": Signature(),
    "simple_polygon": Signature(),
    "inside_district": Signature(("crs",), (), ("crs",)),
    "sum_equals": Signature(("columns", "total"), ("tolerance",), ("columns", "total")),
}
