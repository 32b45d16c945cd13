"""Competitors at a piece of work: warm-up, repetitions, and the proof that they did the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.lake import python_path
from benchmarks.harness.measure import measure
from benchmarks.harness.report import Entry
from benchmarks.harness.same import Result, assert_same

PEERS = Path(__file__).resolve().parents[1] / "peers"
LOG = "last-run.log"
"""The output of the run that was measured last, in the scratch folder."""


@dataclass(frozen=True)
class Options:
    """What a run was asked for. `rows` and `years` are sizes of the workloads that have them."""

    seed: int
    rows: int
    years: tuple[int, ...]
    repeat: int
    warm_up: int
    only: frozenset[str]
    scratch: Path
    tell: Callable[[str], None]


@dataclass(frozen=True)
class Competitor:
    """A program that does the work. Before each run `prepare` brings the folder that it works in to the state that the
    work starts from (it is given the run's number); `result` reads afterwards what it made; neither is measured.
    """

    name: str
    argv: tuple[str, ...]
    prepare: Callable[[int], object] = lambda _: None
    result: Callable[[], Result] | None = None
    detail: Callable[[], dict[str, Any]] = dict
    services: Callable[[], Collection[int]] = tuple
    env: Callable[[], Mapping[str, str]] = dict


def compete(work: str, competitors: Sequence[Competitor], options: Options) -> tuple[list[Entry], dict[str, str]]:
    """Measure all of them, and {table: hash} of what those with a result agree on. Raises Different where they do not,
    Failed where one does not end well."""
    entries, results = [], {}
    for competitor in competitors:
        if options.only and competitor.name not in options.only:
            continue
        runs = []
        for number in range(options.warm_up + options.repeat):
            options.tell(f"{work}: {competitor.name}, run {number + 1} of {options.warm_up + options.repeat}")
            competitor.prepare(number)
            log = options.scratch / LOG
            env = environ(competitor.env())
            runs.append(measure(competitor.argv, log, env, options.scratch, competitor.services()))
        entries.append(Entry(work, competitor.name, tuple(runs[options.warm_up :]), competitor.detail()))
        if competitor.result is not None:
            results[competitor.name] = competitor.result()
    return entries, assert_same(results) if results else {}


def environ(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program of the checkout."""
    return {**os.environ, "PYTHONPATH": python_path(), **more}


def python(*arguments: object) -> tuple[str, ...]:
    """A command line of this environment's Python."""
    return (sys.executable, *map(str, arguments))


def command(*arguments: object) -> tuple[str, ...]:
    """The `agrilake` command, as the console script starts it."""
    return python("-c", "from agrilake.commands.main import app; app()", *arguments)
