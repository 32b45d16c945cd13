"""Another key: every stored token is raised, every link holds, and a kill in the middle gives no wrong link."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from tests.support.intake import open_lake, reference_lake, take
from tests.support.two_registers import ELDERS, HOUSEHOLDS, IDS, elders, households, put, to_silver

from agrilake.errors import UsageError
from agrilake.intake.keys import KEY_VARIABLE, KeyRing, create_key
from agrilake.lake.audit import Entry, entries
from agrilake.lake.failpoints import ROTATION_POINTS, VARIABLE
from agrilake.lake.files import scan, table_version
from agrilake.linking.build import build_linked
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.rotation import rotate, settle_keys

TOKENS = {HOUSEHOLDS: "head_id_no", ELDERS: "id_no"}
LINK = "household_link"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Five households and their heads as elders, linked by the token alone; the key is of this test."""
    made = reference_lake(tmp_path / "home")
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(tmp_path / "keys" / "own.key")))
    monkeypatch.setenv("AGRILAKE_HOME", str(made.home.root))
    made.ensure_key()
    put(made, {"agri_farm_household__2024-01": households(0, 1, 2), "agri_farm_household__2024-02": households(3, 4)})
    put(made, {"civil_elder__2024-01": elders(0, 1, 2, 3, 4)})
    assert {item.delivery.status for item in take(made).values()} == {"accepted"}
    to_silver(made)
    return made


def tokens(lake: Lake, layer: str = "silver") -> dict[str, set[str]]:
    """All tokens of each table of the layer, the history included."""
    found = {}
    for name, column in TOKENS.items():
        for table in (name, f"{name}_history"):
            rows = scan(lake.home.table(layer, table))
            if rows is not None:
                found[table] = set(rows.select(column).collect().to_series())
    return found


def links(lake: Lake) -> list[tuple[str, str]]:
    build_linked(lake.home, lake.registry.gold[LINK], lake.registry)
    rows = scan(lake.home.table("gold", LINK))
    assert rows is not None
    return sorted(rows.select("household_id", "record_no").collect().rows())


def test_after_a_rotation_no_older_token_is_left_and_every_link_holds(lake: Lake) -> None:
    before, linked, version = tokens(lake), links(lake), table_version(lake.home.table("silver", HOUSEHOLDS))
    done = rotate(lake, "王密", "年度更换")
    assert (done.key_id, done.deliveries, set(done.tables)) == ("k2", 3, {HOUSEHOLDS, ELDERS})
    for layer in ("accepted", "silver"):
        assert all(token.startswith("k2:") for found in tokens(lake, layer).values() for token in found)
    assert {name: len(found) for name, found in tokens(lake).items()} == {name: len(t) for name, t in before.items()}
    assert len(linked) == 5
    assert links(lake) == linked
    old = scan(lake.home.table("silver", HOUSEHOLDS), version)
    assert old is not None
    assert set(old.select("head_id_no").collect().to_series()) == before[HOUSEHOLDS]
    acts = [item for item in entries(lake.home) if isinstance(item, Entry) and item.act == "key_rotated"]
    assert [(item.subject, item.by, item.about["before"]) for item in acts] == [("k2", "王密", "k1")]
    assert settle_keys(lake).deliveries == 0


def test_who_comes_after_the_rotation_links_to_who_came_before(lake: Lake) -> None:
    rotate(lake, "王密", "年度更换")
    again = open_lake(lake.home.root)
    put(again, {"civil_elder__2024-02": elders(0, 3, 5), "agri_farm_household__2024-03": households(5)})
    take(again)
    to_silver(again)
    assert len(links(again)) == 6
    assert rotate(again, "王密", "再换一次").key_id == "k3"
    assert len(links(again)) == 6


def test_without_a_person_or_a_reason_there_is_no_new_key(lake: Lake) -> None:
    for by, reason in (("", "x"), ("x", " "), ("x" * 201, "x")):
        with pytest.raises(UsageError, match="needs --"):
            rotate(lake, by, reason)
    assert [key.id for key in KeyRing.from_environment(lake.home).keys] == ["k1"]


@pytest.mark.parametrize("point", ROTATION_POINTS if os.environ.get("AGRILAKE_FULL") else ["tokens_raised"])
def test_a_rotation_that_is_killed_goes_on_and_nothing_is_built_meanwhile(lake: Lake, point: str) -> None:
    linked = links(lake)
    stopped = in_a_process("rotate(Lake.start(), 'a', 'b')", point)
    assert stopped == -signal.SIGKILL
    found = Lake.start(lake.home)
    settled = point == "rotation_settled"
    assert steps.is_rekeying(found.state) is not settled
    held = steps.held_tables(found)
    assert (LINK in held, "household" in held) == (not settled, not settled)
    if not settled:
        assert steps.update_gold(found, LINK) is None
        assert held[LINK] == steps.REKEYING
    # what arrives meanwhile is under the new key, and makes no link where there is none
    put(found, {"civil_elder__2024-02": elders(0, 5)})
    take(found)
    steps.update_silver(found, ELDERS)
    assert rotate(found, "a", "b").key_id == ("k3" if settled else "k2")
    to_silver(found)
    assert not steps.is_rekeying(found.state)
    assert LINK not in steps.held_tables(found)
    assert links(found) == linked
    assert len({token.partition(":")[0] for each in tokens(found).values() for token in each}) == 1


def test_a_late_writer_with_the_old_key_is_found_and_raised(lake: Lake) -> None:
    """A task that read the key before it was changed stores tokens after the rotation was settled."""
    late = open_lake(lake.home.root)
    assert late.pseudonymiser.current_id == "k1"
    rotate(lake, "王密", "年度更换")
    put(late, {"civil_elder__2024-02": elders(0, 1)})
    take(late)
    assert steps.is_rekeying(late.state)
    assert LINK in steps.held_tables(late)
    assert settle_keys(lake).deliveries == 1
    assert all(token.startswith("k2:") for found in tokens(lake, "accepted").values() for token in found)


def test_no_identity_is_needed_to_rotate_nor_left_anywhere(lake: Lake) -> None:
    """Landing and bronze may be gone by then."""
    for path in (*lake.home.landing.rglob("*"), *lake.home.table("bronze").rglob("*.parquet")):
        if path.is_file():
            path.unlink()
    rotate(lake, "王密", "年度更换")
    written = [
        path for layer in ("silver", "accepted", "audit", "state") for path in (lake.home.root / layer).rglob("*")
    ]
    for path in filter(Path.is_file, written):
        data = repr(pl.read_parquet(path).to_dicts()).encode() if path.suffix == ".parquet" else path.read_bytes()
        assert not any(identity.encode() in data for identity in IDS), path.name


def in_a_process(code: str, point: str) -> int:
    imports = "from agrilake.pipeline.context import Lake; from agrilake.pipeline.rotation import rotate"
    env = {**os.environ, VARIABLE: point}
    return subprocess.run([sys.executable, "-c", f"{imports}; {code}"], env=env, check=False, timeout=120).returncode
