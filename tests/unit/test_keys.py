"""The key file: several keys, each start refused where it is not its owner's alone, and never another lake's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.support.intake import register_all
from tests.support.samples import SAMPLE, drop
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.errors import SecretError
from agrilake.intake.keys import KEY_VARIABLE, KeyRing, add_key, create_key
from agrilake.intake.privacy import Pseudonymiser
from agrilake.paths import Home
from agrilake.pipeline.context import Lake

NOBODY = 65534


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("AGRILAKE_INBOX", "AGRILAKE_OUTBOX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "keys" / "own.key"))
    return Home.at(tmp_path / "home")


def own(home: Home) -> Path:
    return create_key(home.root.parent / "keys" / "own.key")


def test_a_new_key_stands_before_the_others_and_all_are_read(home: Home) -> None:
    path = own(home)
    first = KeyRing.from_file(path, home)
    second = add_key(add_key(first))
    read = KeyRing.from_file(path, home)
    assert read == second
    assert [key.id for key in read.keys] == ["k3", "k2", "k1"]
    assert read.keys[-1] == first.current
    assert all(key.made_at for key in read.keys)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    with pytest.raises(SecretError, match="no key k9"):
        read.key("k9")


def test_keys_for_different_purposes_differ_and_tell_nothing_of_each_other(home: Home) -> None:
    ring = add_key(KeyRing.from_file(own(home), home))
    made = [key.derived(purpose) for key in ring.keys for purpose in ("landing", "bronze", "publication/2024")]
    assert len({*made, *(key.secret for key in ring.keys)}) == 8
    assert ring.current.derived("landing") == made[0]
    text = f"{ring!r} {Pseudonymiser.of(ring)!r}"
    assert not any(key.secret.hex() in text or repr(key.secret) in text for key in ring.keys)


def test_a_raised_token_is_that_of_a_new_delivery(home: Home) -> None:
    ring = KeyRing.from_file(own(home), home)
    values = pl.Series(["11010519491231002X", None, "110105194912310021"])
    old = Pseudonymiser.of(ring).tokens(values, "id_no")
    newer = Pseudonymiser.of(add_key(ring))
    newest = Pseudonymiser.of(add_key(KeyRing.from_file(ring.path, home)))
    for later in (newer, newest):
        new = later.tokens(values, "id_no")
        assert new.drop_nulls().str.starts_with(f"{later.current_id}:").all()
        assert set(new.drop_nulls()).isdisjoint(old.drop_nulls())
        mixed = pl.concat([old, newer.tokens(values, "id_no")])
        assert later.raised(mixed).to_list() == [*new, *new]
    with pytest.raises(SecretError, match="k9"):
        newest.raised(pl.Series(["k9:" + "0" * 32]))


def linked(path: Path) -> None:
    path.rename(path.with_name("real.key"))
    path.symlink_to("real.key")


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def twice(path: Path) -> None:
    path.write_text(path.read_text() * 2)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "no pseudonym key"),
    "group_may_read": (lambda path: path.chmod(0o640), "chmod 600"),
    "world_may_read": (lambda path: path.chmod(0o604), "chmod 600"),
    "link": (linked, "is a link"),
    "pipe": (pipe, "no regular file"),
    "replaceable": (lambda path: path.parent.chmod(0o770), "chmod go-w"),
    "no_key": (lambda path: path.write_text("\n"), "not a pseudonym key"),
    "same_id_twice": (twice, "not a pseudonym key"),
    "short": (lambda path: path.write_text("k1:sha256:abcd\n"), "not a pseudonym key"),
    "binary": (lambda path: path.write_bytes(b"\xff\x00"), "not a pseudonym key"),
    "another_users": (lambda path: os.chown(path, NOBODY, NOBODY), "another user"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_lake_with_data_does_not_start_with(case: str, home: Home) -> None:
    """Nothing is written: neither folders that the home lacks, nor into the registry."""
    spoil, message = BAD[case]
    if case == "another_users" and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = own(home)
    lake = Lake.start(home)
    drop(SAMPLE / "inbox" / "stats" / "stats_division__2023.csv", home.root)
    register_all(lake)
    for folder in ("docs", "tmp"):
        (home.root / folder).rmdir()
    before = home.state_file.read_bytes(), lake.state.deliveries()
    spoil(path)
    with pytest.raises(SecretError, match=message):
        Lake.start(home)
    assert not (home.root / "docs").exists()
    assert (home.state_file.read_bytes(), lake.state.deliveries()) == before


def test_a_key_in_the_lake_or_where_departments_write_is_refused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in (home.root / "a.key", home.inbox / "agri" / "a.key", home.outbox / "a.key"):
        monkeypatch.setenv(KEY_VARIABLE, str(place))
        with pytest.raises(SecretError, match="inside the lake"):
            Lake.start(home)
        assert not place.exists()
    create_key(home.inbox / "a.key")
    outside = home.root.parent / "outside"
    outside.symlink_to(home.inbox)
    monkeypatch.setenv(KEY_VARIABLE, str(outside / "a.key"))
    with pytest.raises(SecretError, match="inside the lake"):
        Lake.start(home)


def test_a_lake_knows_its_own_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    own(home)
    Lake.start(home)
    Lake.start(home)
    monkeypatch.setenv(KEY_VARIABLE, str(create_key(home.root.parent / "keys" / "other.key")))
    with pytest.raises(SecretError, match="another lake"):
        Lake.start(home)
    with pytest.raises(SecretError, match="another lake"):
        _ = Lake.open(home).pseudonymiser


def test_a_lake_wants_all_the_keys_that_it_was_made_with(home: Home) -> None:
    ring = add_key(KeyRing.from_file(own(home), home))
    Lake.start(home)
    ring.path.write_text(ring.path.read_text().splitlines()[0] + "\n")
    with pytest.raises(SecretError, match="no key k1"):
        Lake.start(home)


def test_the_command_says_it_in_a_line_and_ends_with_its_code(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(home.root))
    own(home).chmod(0o644)
    for command in (["run"], ["up"], ["maintain"], ["key", "show"], ["key", "rotate", "--by", "x", "--reason", "y"]):
        done = CliRunner().invoke(app, command)
        assert (done.exit_code, "chmod 600" in done.output) == (5, True), command
    assert not home.root.exists()
