"""A department replaces a file at the very moment when it leaves the inbox: the new one is a delivery of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.intake import reference_lake, take
from tests.support.pausing import paused_at
from tests.support.samples import SAMPLE, drop

from agrilake.intake import leaving
from agrilake.intake.landing import sha256_of
from agrilake.intake.settle import identity
from agrilake.pipeline.context import Lake
from agrilake.pipeline.leftovers import sweep

DATASET, NAME = "commerce_ecommerce_sales", "commerce_ecommerce_sales__2024-02.csv"
OTHER = SAMPLE / "inbox" / "commerce" / "commerce_ecommerce_sales__2023-01.csv"
TAKE = ("-m", "tests.support.take_once")


def replaced(path: Path, content: bytes) -> None:
    """As programs do that save a file: written beside it, and renamed."""
    fresh = path.with_name(".fresh")
    fresh.write_bytes(content)
    fresh.replace(path)


def leftovers(lake: Lake) -> list[Path]:
    kept = (path for path in lake.home.inbox.rglob("*") if "退回" not in path.parts)
    return [path for path in kept if path.is_file() or path.name.startswith(".")]


@pytest.mark.parametrize("point", ["landed", "received", "manifest_cleared"])
def test_replaced_between_landing_and_leaving_it_is_another_delivery(point: str, tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / "commerce" / NAME, lake.home.root)
    path = lake.home.inbox / "commerce" / NAME
    with paused_at(point, (*TAKE, str(lake.home.root)), tmp_path / "armed"):
        replaced(path, OTHER.read_bytes())
    assert path.read_bytes() == OTHER.read_bytes()
    take(lake)
    sums = {item.sha256 for item in lake.state.deliveries(DATASET)}
    assert sums == {sha256_of(SAMPLE / "inbox" / "commerce" / NAME), sha256_of(OTHER)}
    assert leftovers(lake) == []


def test_a_refused_file_that_is_mended_before_it_goes_back_is_taken(tmp_path: Path) -> None:
    """Refused, as its bytes came for another period already."""
    lake, first = reference_lake(tmp_path / "home"), SAMPLE / "inbox" / "commerce" / NAME
    drop(first, lake.home.root)
    take(lake)
    path = lake.home.inbox / "commerce" / f"{DATASET}__2024-03.csv"
    path.write_bytes(first.read_bytes())
    with paused_at("refused", (*TAKE, str(lake.home.root)), tmp_path / "armed"):
        replaced(path, OTHER.read_bytes())
    assert path.read_bytes() == OTHER.read_bytes()
    take(lake)
    assert sha256_of(OTHER) in {item.sha256 for item in lake.state.deliveries(DATASET)}
    assert leftovers(lake) == []


def test_a_file_whose_taker_died_while_it_left_is_in_the_inbox_again(tmp_path: Path) -> None:
    """Whether it was replaced meanwhile nobody knows any more: it is looked at again."""
    lake = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / "commerce" / NAME, lake.home.root)
    path = lake.home.inbox / "commerce" / NAME
    aside = leaving.set_aside(path, identity(path))
    assert aside is not None
    assert not path.exists()
    sweep(lake.home)
    assert path.read_bytes() == (SAMPLE / "inbox" / "commerce" / NAME).read_bytes()
    assert leftovers(lake) == [path]


def test_what_came_back_gives_way_to_what_its_department_put_there(tmp_path: Path) -> None:
    lake = reference_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / "commerce" / NAME, lake.home.root)
    path = lake.home.inbox / "commerce" / NAME
    assert leaving.set_aside(path, identity(path))
    path.write_bytes(OTHER.read_bytes())
    sweep(lake.home)
    assert path.read_bytes() == OTHER.read_bytes()
    assert leftovers(lake) == [path]
