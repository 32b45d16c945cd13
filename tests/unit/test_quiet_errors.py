"""Foreign errors quote what they failed on: no log, status or task tells their words; no process leaves a dump."""

from __future__ import annotations

import logging
import os
import resource
import subprocess
import sys
import traceback
from pathlib import Path

import polars as pl
import pytest
from tests.support.intake import open_lake, register_all
from tests.support.samples import SAMPLE, drop

from agrilake.catalog.propose import propose_contract
from agrilake.errors import ServiceError
from agrilake.pipeline import endings, intake
from agrilake.pipeline.run import RunReport, _take_files
from agrilake.services import process

PHONE, ID = "13812345678", "11010519491231002X"
NAME = "汤沐蕤"


def foreign() -> None:
    """Polars quotes the values that do not fit."""
    pl.Series([f"电话{PHONE}"]).cast(pl.Int64)


def test_the_foreign_error_does_quote_a_value() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError, match=PHONE):
        foreign()


def test_a_run_logs_where_it_failed_and_not_on_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lake = open_lake(tmp_path / "home")
    drop(SAMPLE / "inbox" / "stats" / "行政区划__2024.xlsx", lake.home.root)
    register_all(lake)
    monkeypatch.setattr(intake, "process", lambda *_: foreign())
    report = RunReport()
    with caplog.at_level(logging.DEBUG):
        _take_files(lake, report, lambda *_: None)
    assert "InvalidOperationError" in caplog.text and "in foreign" in caplog.text
    said = caplog.text + str(report) + str(lake.state.open_failures())
    assert report.failures and PHONE not in said


def test_a_task_that_is_tried_again_does_not_drag_its_cause_along() -> None:
    def step() -> None:
        try:
            foreign()
        except pl.exceptions.InvalidOperationError as error:
            raise ServiceError("no answer") from error

    with pytest.raises(ServiceError) as raised:
        endings.run(step)
    assert PHONE not in "".join(traceback.format_exception(raised.value))


def test_a_proposal_copies_no_person(tmp_path: Path) -> None:
    path = tmp_path / f"走访名单{PHONE}__2024-05.csv"
    kinds = ("甲", "乙", f"丙{ID}")
    rows = [
        f"{at},联系{PHONE},{kinds[at % 3]},{PHONE if at == 0 else at},{NAME},{NAME}经办,{'好差'[at % 2]}"
        for at in range(9)
    ]
    header = f"序号,说明{PHONE},类别,数值,户主姓名,经办{NAME},评价"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    text = propose_contract(path, "agri")
    assert not any(person in text for person in (PHONE, ID, NAME, "甲"))
    assert "label: 好" in text


CORE = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"


def test_services_leave_no_dump_of_their_memory(tmp_path: Path) -> None:
    code = f"import sys, time; {CORE}; sys.stdout.flush(); time.sleep(60)"
    command = process.Command("demo", (sys.executable, "-S", "-c", code), dict(os.environ), tmp_path)
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        running = process.start(tmp_path, command)
        process.wait_ready(running, lambda one: Path(one.log).read_text(encoding="utf-8") != "", 20.0)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
        process.stop(tmp_path, "demo", grace_seconds=1.0)
    assert Path(running.log).read_text(encoding="utf-8").strip() == "0"


def test_the_command_line_leaves_none_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGRILAKE_HOME", str(tmp_path / "home"))
    code = f"from agrilake.commands.main import app; app(['receipts'], standalone_mode=False); {CORE}"
    limit = f"ulimit -S -c $(ulimit -H -c); exec '{sys.executable}' -c \"{code}\""
    done = subprocess.run(["/bin/bash", "-c", limit], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
