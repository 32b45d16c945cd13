"""From a token of a published file back to the delivered lines, for who may read the lake; each question is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from agrilake.contract.model import Dataset
from agrilake.errors import UsageError
from agrilake.lake import audit
from agrilake.lake.files import scan
from agrilake.pipeline.context import Lake
from agrilake.publish.persons import TOKEN, Persons, earlier_persons


@dataclass(frozen=True)
class TokenLine:
    """A delivered line that has, in `column` of `dataset`, what the token stands for."""

    dataset: str
    title: str
    column: str
    delivery_id: str
    file_name: str
    sheet: str | None
    line: int


def whose(lake: Lake, token: str) -> list[TokenLine]:
    """The lines in the newest silver tables; none where no register has it any more. UsageError for what is no token of
    a publication."""
    match = TOKEN.fullmatch(token.strip())
    if match is None:
        raise UsageError(f"{token!r} is no token of a publication, such as y2024-0123456789abcdef0123")
    found = [
        line
        for persons in earlier_persons(lake.registry, lake.ring, match[1])
        for dataset in lake.registry.datasets.values()
        for told in (persons, persons.apart(dataset.department))
        for line in _lines(lake, told, dataset, match[0])
    ]
    audit.record(lake.home, "read", f"token {match[0]}", lines=len(found))
    return found


def _lines(lake: Lake, persons: Persons, dataset: Dataset, token: str) -> Iterator[TokenLine]:
    files = {item.id: item.file_name for item in lake.state.deliveries(dataset.id)}
    table = scan(lake.home.table("silver", dataset.id))
    if table is None or dataset.id not in persons.columns:
        return
    for name in persons.columns[dataset.id].tokens:
        numbers = table.select(name).unique().collect()[name].cast(pl.String)
        wanted = numbers.filter(persons.tokens(numbers) == token).to_list()
        for row in table.filter(pl.col(name).is_in(wanted)).collect().to_dicts():
            delivery = row["_delivery_id"]
            place = (delivery, files.get(delivery, ""), row["_sheet"], row["_line"])
            yield TokenLine(dataset.id, dataset.title, name, *place)
