"""Who reads while others publish sees whole publications, one after the other, and never none."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

from tests.unit.test_publish import TOKEN, lake, run, write, write_sites

from agrilake.lake.state import State
from agrilake.paths import Home
from agrilake.publish import open_publication, publications
from agrilake.publish.store import CURRENT

__all__ = ["lake"]  # the fixture
ROUNDS = 40 if os.environ.get("AGRILAKE_FULL") else 7
COUNTS = "SELECT (SELECT count(*) FROM service_site), (SELECT count(*) FROM elder)"


def publish_rounds(root: Path) -> None:
    """In a process of its own: both tables grow by a row, and are published."""
    home = Home.at(root)
    for number in range(2, ROUNDS + 2):
        write_sites(home, *({"site_no": f"S{at}"} for at in range(number)))
        write(home, "gold/elder", [{"elder_id": f"E{at}", "id_no": TOKEN} for at in range(number)])
        run((home, State(home.state_file)))


def counts(home: Home) -> tuple[int, int]:
    connection = open_publication(home, "analyst")
    try:
        (found,) = connection.execute(COUNTS).fetchall()
    finally:
        connection.close()
    return found


def test_each_read_is_of_one_whole_publication_while_another_process_publishes(lake: tuple[Home, State]) -> None:
    home, _ = lake
    run(lake)
    writer = multiprocessing.get_context("spawn").Process(target=publish_rounds, args=(home.root,))
    writer.start()
    seen = []
    while writer.is_alive():
        assert (home.publications / CURRENT / "manifest.json").is_file(), "there is always a publication"
        seen.append(counts(home))
        versions = [item.version for item in publications(home)]
        assert versions
        assert versions == sorted(versions)
    writer.join()
    assert writer.exitcode == 0
    seen.append(counts(home))
    assert [one for one, other in seen if one != other] == []
    assert seen == sorted(seen)
    assert seen[-1][0] == ROUNDS + 1
    assert len(set(seen)) > ROUNDS // 3
