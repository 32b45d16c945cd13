"""Encryption at rest: no planted value on disk, the same outcome as without, and nothing changed goes unnoticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyrage
import pytest
from tests.support.intake import open_lake, reference_lake, rows_of, take
from tests.support.modes import reachable
from tests.support.two_registers import ELDERS, HOUSEHOLDS, IDS, NAMES, elders, households, put, to_silver
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.errors import ConsistencyError, SecretError
from agrilake.intake.keys import KEY_VARIABLE, KeyRing, create_key, key_path
from agrilake.intake.landing import landed_files, landing_path, opened, sealed_by
from agrilake.lake.bronze import bronze_rows, plain_table, sealed_table, write_bronze
from agrilake.lake.failpoints import SEALING_POINTS, VARIABLE
from agrilake.lake.files import scan
from agrilake.pipeline import intake
from agrilake.pipeline.context import ENCRYPT, Lake
from agrilake.pipeline.rotation import key_use, rotate
from agrilake.pipeline.sealing import Sealed, seal
from agrilake.pipeline.upkeep import maintain
from agrilake.publish.quarantine import waiting_findings

FILES = {
    "agri_farm_household__2024-01": [*households(0, 1, 2), ["H50011210009", "", NAMES[3], IDS[3], "", "2", "是"]],
    "civil_elder__2024-01": elders(0, 1, 2),
}
PLANTED = [text.encode() for text in (*IDS[:4], *NAMES[:4], "13800138001")]


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(tmp_path / "keys" / "own.key")))
    return key_path()


def filled(root: Path) -> Lake:
    """A lake that took both files, one record of them into quarantine."""
    lake = reference_lake(root)
    lake.ensure_key()
    put(lake, FILES)
    statuses = sorted(item.delivery.status for item in take(lake).values())
    assert statuses == ["accepted", "partial"]
    to_silver(lake)
    return lake


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv(ENCRYPT, "1")
    return filled(tmp_path / "sealed")


def on_disk(lake: Lake, *layers: str) -> list[str]:
    """Files of the layers in whose bytes, or decoded Parquet, a planted value stands."""
    found = []
    for path in (path for layer in layers for path in (lake.home.root / layer).rglob("*") if path.is_file()):
        data = path.read_bytes()
        if path.suffix == ".parquet":
            data += repr(pl.read_parquet(path).to_dicts()).encode()
        if any(value in data for value in PLANTED):
            found.append(path.relative_to(lake.home.root).as_posix())
    return found


def contents(lake: Lake) -> dict[str, pl.DataFrame]:
    """What the intake made of all deliveries, bronze included."""
    found = {}
    for delivery in lake.state.deliveries():
        for layer in ("bronze", "accepted"):
            found[f"{layer} {delivery.id}"] = rows_of(lake, layer, delivery)
    for name in (HOUSEHOLDS, ELDERS):
        rows = scan(lake.home.table("silver", name))
        assert rows is not None
        found[name] = rows.collect()
    return found


def same(one: Lake, other: Lake) -> None:
    left, right = contents(one), contents(other)
    assert left.keys() == right.keys()
    for name, frame in left.items():
        assert frame.equals(right[name].select(frame.columns)), name


def test_nothing_planted_is_on_disk_and_everything_is_as_without(
    sealed: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert on_disk(sealed, ".") == []
    monkeypatch.setenv(ENCRYPT, "0")
    plain = filled(tmp_path / "plain")
    assert {path.partition("/")[0] for path in on_disk(plain, ".")} == {"landing", "bronze"}
    same(plain, sealed)
    assert list(reachable(sealed.home.root)) == []
    names = [path.name for path in sealed.home.landing.rglob("*.age")]
    assert sorted(name.split(".")[1] for name in names) == ["k1", "k1"]
    reference = [item for item in sealed.state.deliveries() if item.department == "stats"]
    assert all(landing_path(sealed.home, item.sha256).is_file() for item in reference)


def test_a_landed_file_keeps_its_name_and_is_known_again(sealed: Lake) -> None:
    before = sealed.state.deliveries()
    put(sealed, FILES)
    assert [item.repeat_of for item in take(sealed).values()].count(None) == 0
    assert sealed.state.deliveries() == before
    assert len(list(sealed.home.landing.rglob("*.age"))) == 2
    assert not [path for path in sealed.home.landing.iterdir() if path.is_file()]


def test_a_mend_finds_what_it_mends(sealed: Lake) -> None:
    """The receipt's CSV shows masks; the whole values come back from encrypted bronze."""
    receipt = next((sealed.home.outbox / "agri").glob("*补正*.csv"))
    text = receipt.read_text(encoding="utf-8-sig")
    assert not any(value.decode() in text for value in PLANTED)
    lines = text.splitlines()
    place = lines[0].split(",").index("所在村")
    cells = lines[1].split(",")
    cells[place] = "500112129201"
    (sealed.home.inbox / "agri" / receipt.name).write_text("\n".join((lines[0], ",".join(cells))), encoding="utf-8-sig")
    outcome = next(iter(take(sealed).values()))
    assert (outcome.delivery.status, outcome.delivery.accepted) == ("accepted", 1)
    assert rows_of(sealed, "bronze", outcome.delivery)["head_id_no"].to_list() == [IDS[3]]
    assert on_disk(sealed, ".") == []
    left = waiting_findings(sealed.home, sealed.registry, sealed.state.deliveries())
    assert left is not None
    assert left.filter(dataset=HOUSEHOLDS).collect().is_empty()


def test_reading_again_comes_to_the_same(sealed: Lake) -> None:
    before = contents(sealed)
    for delivery in sealed.state.deliveries():
        intake.process(sealed, delivery)
    assert all(frame.equals(before[name]) for name, frame in contents(sealed).items())
    partial = next(iter(sealed.state.deliveries(HOUSEHOLDS)))
    assert intake.refused_now(sealed, partial).height == 1


def test_a_refused_file_comes_back_as_it_was(sealed: Lake) -> None:
    put(sealed, {"agri_farm_household__2024-02": [["农户编号", "所在村"]]})
    take(sealed)
    back = [path for path in (sealed.home.inbox / "agri" / "退回").iterdir() if path.is_file()]
    assert [path.read_text(encoding="utf-8").strip() for path in back] == ["农户编号,所在村"]


@pytest.mark.parametrize("change", ["flip", "cut", "swap"])
def test_changed_bytes_of_landing_are_noticed(sealed: Lake, change: str) -> None:
    households_of, elders_of = (next(iter(sealed.state.deliveries(name))) for name in (HOUSEHOLDS, ELDERS))
    path, other = (landed_files(sealed.home, item.sha256)[0] for item in (households_of, elders_of))
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.chmod(0o600)
    path.write_bytes({"flip": bytes(data), "cut": bytes(data[:-40]), "swap": other.read_bytes()}[change])
    with pytest.raises(ConsistencyError) as caught:
        intake.process(sealed, households_of)
    assert not any(value.decode() in str(caught.value) for value in PLANTED)
    assert sealed.state.delivery(households_of.id) == households_of


def test_changed_bytes_of_a_plain_file_are_noticed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENCRYPT, "0")
    lake = filled(tmp_path / "plain")
    delivery = next(iter(lake.state.deliveries(HOUSEHOLDS)))
    path = landing_path(lake.home, delivery.sha256)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(ConsistencyError, match="not those that came"):
        intake.process(lake, delivery)
    path.unlink()
    with pytest.raises(ConsistencyError, match="landing lacks"):
        intake.process(lake, delivery)


def test_a_block_of_bronze_opens_only_in_its_place(sealed: Lake) -> None:
    one, other = (next(iter(sealed.state.deliveries(name))) for name in (HOUSEHOLDS, ELDERS))
    table = sealed_table(sealed.home, HOUSEHOLDS)
    blocks = pl.read_delta(str(table))
    foreign = pl.read_delta(str(sealed_table(sealed.home, ELDERS)))["_sealed"]
    cases = (
        blocks.with_columns(foreign.head(1)),
        blocks.with_columns(pl.col("_sealed").bin.encode("hex").str.replace("^..", "00").str.decode("hex")),
        blocks.with_columns(pl.lit(2, pl.Int32).alias("_blocks")),
    )
    for changed in cases:
        changed.write_delta(str(table), mode="overwrite")
        with pytest.raises(ConsistencyError, match="restore"):
            bronze_rows(sealed.home, HOUSEHOLDS, one.id)
    assert bronze_rows(sealed.home, ELDERS, other.id) is not None


def test_the_same_rows_are_the_same_bytes_and_many_rows_many_blocks(sealed: Lake) -> None:
    frame = pl.DataFrame({"_line": range(250_001), "_delivery_id": "x"})
    blocks = []
    for _ in range(2):
        write_bronze(sealed.home, "many", frame, "x", sealed.ring)
        blocks.append(pl.read_delta(str(sealed_table(sealed.home, "many"))).sort("_block"))
    assert blocks[0].equals(blocks[1])
    assert blocks[0]["_rows"].to_list() == [100_000, 100_000, 50_001]
    found = bronze_rows(sealed.home, "many", "x")
    assert found is not None
    assert found.equals(frame)
    empty = bronze_rows(sealed.home, "many", "nothing")
    assert empty is not None
    assert empty.is_empty()


def test_without_its_key_nothing_is_read(sealed: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    delivery = next(iter(sealed.state.deliveries(HOUSEHOLDS)))
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(tmp_path / "keys" / "other.key")))
    with pytest.raises(SecretError, match="another lake"):
        intake.process(open_lake(sealed.home.root), delivery)
    foreign = KeyRing.from_environment(sealed.home)
    with pytest.raises(SecretError, match="another key"), opened(sealed.home, delivery.sha256, lambda: foreign):
        pass


def test_what_lies_there_plain_is_encrypted_by_maintenance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENCRYPT, "0")
    lake = filled(tmp_path / "home")
    before = contents(lake)
    monkeypatch.setenv(ENCRYPT, "1")
    assert not maintain(lake).failures
    assert on_disk(lake, ".") == []
    assert not plain_table(lake.home, HOUSEHOLDS).exists()
    assert all(frame.equals(before[name]) for name, frame in contents(lake).items())
    assert seal(lake) == Sealed(0, 0, 0)


@pytest.mark.parametrize("point", SEALING_POINTS if os.environ.get("AGRILAKE_FULL") else ["bronze_sealed"])
def test_an_encryption_that_is_killed_goes_on(point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENCRYPT, "0")
    lake = filled(tmp_path / "home")
    before = contents(lake)
    monkeypatch.setenv(ENCRYPT, "1")
    code = "from agrilake.pipeline.context import Lake; from agrilake.pipeline.sealing import seal; seal(Lake.start())"
    env = {**os.environ, VARIABLE: point, "AGRILAKE_HOME": str(lake.home.root)}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert all(frame.equals(before[name]) for name, frame in contents(lake).items())
    seal(lake)
    assert on_disk(lake, ".") == []
    assert all(frame.equals(before[name]) for name, frame in contents(lake).items())


def test_after_a_rotation_the_old_key_reads_until_all_is_encrypted_anew(sealed: Lake) -> None:
    before = contents(sealed)
    rotate(sealed, "王密", "年度更换")
    assert [(use.key_id, use.files, use.deliveries) for use in key_use(sealed)] == [("k2", 0, 0), ("k1", 2, 2)]
    names = [name for name in before if name.startswith("bronze")]
    assert all(contents(sealed)[name].equals(before[name]) for name in names)
    assert seal(sealed) == Sealed(2, 2, 0)
    uses = [(use.key_id, use.values, use.tables, use.files, use.deliveries) for use in key_use(sealed)]
    assert uses == [("k2", 12, 4, 2, 2), ("k1", 0, 0, 0, 0)]
    assert all(contents(sealed)[name].equals(before[name]) for name in names)
    assert {sealed_by(path) for path in sealed.home.landing.rglob("*.age")} == {"k2"}
    assert len(list(sealed_table(sealed.home, HOUSEHOLDS).rglob("*.parquet"))) == 1


def test_the_commands_tell_what_is_there_and_never_a_key(
    sealed: Lake, own_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(sealed.home.root))
    secret = own_key.read_text().split(":")[2][:64]

    def told(*command: str) -> str:
        done = CliRunner().invoke(app, ["key", *command])
        assert (done.exit_code, secret in done.output) == (0, False), done.output
        return done.output

    for command in (("show",), ("show", "--json"), ("seal",), ("new",)):
        told(*command)
    assert CliRunner().invoke(app, ["key", "rotate", "--by", "王密"]).exit_code == 2
    assert '"key_id": "k2"' in told("rotate", "--by", "王密", "--reason", "年度更换", "--json")
    identity = pyrage.x25519.Identity.from_str(told("identity", "k1").strip())
    path = next(sealed.home.landing.rglob("*.k1.age"))
    assert any(value in pyrage.decrypt(path.read_bytes(), [identity]) for value in PLANTED)


def test_another_lakes_key_ends_a_command_with_a_line(
    sealed: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(sealed.home.root))
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(tmp_path / "keys" / "other.key")))
    done = CliRunner().invoke(app, ["key", "show"])
    assert (done.exit_code, "another lake" in done.output) == (5, True)
