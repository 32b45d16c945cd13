"""What a lake writes into its audit log, and what `agrilake audit` says of it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests.conftest import open_lake
from tests.support.lakes import agrilake
from tests.support.samples import SAMPLE, drop

from agrilake.errors import UsageError
from agrilake.lake import audit
from agrilake.lake.audit import Entry, entries, log_file
from agrilake.pipeline import arriving
from agrilake.pipeline.asked import ask
from agrilake.pipeline.audited import audit_findings
from agrilake.pipeline.context import Lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake to which two files were delivered, one twice, and a third under a name that says nothing."""
    made = open_lake(tmp_path / "home")
    files = sorted((SAMPLE / "inbox" / "stats").iterdir())[:2]
    for source in files:
        drop(source, made.home.root)
        arriving.register(made, arriving.pending_files(made, settle=False)[0])
    for name in (files[0].name, "无名.csv"):
        drop(files[0], made.home.root, name)
        arriving.register(made, arriving.pending_files(made, settle=False)[0])
    return made


def acts(lake: Lake) -> list[Entry]:
    return [item for item in entries(lake.home) if isinstance(item, Entry)]


def test_every_file_that_was_dropped_is_recorded(lake: Lake) -> None:
    delivered = [item for item in acts(lake) if item.act == "delivered"]
    assert len(delivered) == 4
    assert delivered[2].subject == delivered[0].subject, "the same file again is the same delivery"
    assert {item.subject for item in delivered} == {item.id for item in lake.state.deliveries()}
    assert {item.about["department"] for item in delivered} == {"stats"}
    assert audit_findings(lake) == []


def test_a_question_to_a_personal_table_is_recorded_without_its_words(lake: Lake) -> None:
    for name in ("civil_elder", "stats_division"):
        pl.DataFrame({"name": ["x"]}).write_delta(lake.home.table("silver", name))
    query = "SELECT count(*) AS n FROM silver.civil_elder WHERE name = '张三'"
    assert ask(lake.home, lake.registry, query).to_pylist() == [{"n": 0}]
    ask(lake.home, lake.registry, "SELECT * FROM silver.stats_division")
    (read,) = [item for item in acts(lake) if item.act == "read"]
    assert read.subject == "silver/civil_elder"
    assert "张三" not in log_file(lake.home).read_text(encoding="utf-8")


def test_the_command_says_whether_the_log_is_whole(lake: Lake) -> None:
    whole = agrilake(lake.home.root, "audit", "verify")
    assert (whole.returncode, "完整" in whole.stdout) == (0, True), whole.stderr
    head = agrilake(lake.home.root, "audit", "head").stdout.strip()
    assert agrilake(lake.home.root, "audit", "verify", "--head", head).returncode == 0
    listed = json.loads(agrilake(lake.home.root, "audit", "list", "--act", "delivered", "--json").stdout)
    assert len(listed) == 4
    path = log_file(lake.home)
    path.write_text(path.read_text(encoding="utf-8").replace('"bytes": ', '"bytes": 1', 1), encoding="utf-8")
    broken = agrilake(lake.home.root, "audit", "verify")
    assert broken.returncode == 6
    assert "audit.jsonl line 2: found a record that was changed" in broken.stdout


def test_a_head_in_other_words_is_refused(lake: Lake) -> None:
    with pytest.raises(UsageError, match="expected NUMBER:HASH"):
        audit_findings(lake, ["12"])
    assert audit_findings(lake, [f"3:{'0' * 64}"])
    assert audit.head(lake.home).number == 5
