"""The Jinja environment of the pages that people read: everything is escaped, a missing name is an error."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from agrilake.catalog.entries import TableEntry


@cache
def environment() -> Environment:
    """Templates of this package, for HTML."""
    return Environment(
        loader=PackageLoader("agrilake.catalog"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def table_html(entry: TableEntry, name: str) -> str:
    """The dictionary of one table as a fragment for a notebook; `name` is what it is called in SQL."""
    return environment().get_template("table.html.j2").render(entry=entry, name=name)
