"""What a linked table is made from is read at the versions that its commit names, whatever is written meanwhile."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from deltalake import write_deltalake

from agrilake.contract.load import load_registry
from agrilake.gold.build import input_versions
from agrilake.linking.build import DIVISION, Inputs
from agrilake.paths import Home


def write(path: Path, name: str) -> None:
    rows = pl.DataFrame({"code": ["500112129201"], "name": [name], "_period": ["2024"]})
    write_deltalake(path, rows.to_arrow(), mode="overwrite")


def test_inputs_that_are_written_meanwhile_are_read_as_they_were(tmp_path: Path) -> None:
    home, registry = Home.at(tmp_path).prepare(), load_registry()
    gold, path = registry.gold["household_link"], home.table("silver", DIVISION)
    before = input_versions(home, gold, registry)
    write(path, "旧村")
    seen = input_versions(home, gold, registry)
    write(path, "新村")
    names = [
        Inputs(home, gold, registry, versions).divisions["name"].to_list()
        for versions in (before, seen, input_versions(home, gold, registry))
    ]
    assert names == [[], ["旧村"], ["新村"]]
