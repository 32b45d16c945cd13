"""Departments drop, correct, mend, repeat and withdraw files as hypothesis likes it, and the lake is held against the
model after every step; at the end another lake takes the same files one by one in another order."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tests.support.intake import reference_lake, take
from tests.support.story import (
    CATEGORIES,
    DATASETS,
    ENCODINGS,
    KEY,
    PERIODS,
    SNAPSHOT,
    VALUE,
    File,
    Record,
    base_name,
    expected_rows,
    key_text,
    mends_of,
    written,
)

from agrilake.lake.files import scan
from agrilake.pipeline import steps
from agrilake.pipeline.context import Lake
from agrilake.pipeline.withdrawal import withdraw

VALUES = st.one_of(st.none(), st.integers(1, 3))
RECORDS = st.lists(st.builds(Record, st.integers(0, 4), VALUES), min_size=1, max_size=6)
Rows = dict[tuple[str, int], int]


def silver(lake: Lake, dataset: str, version: int | None = None) -> Rows:
    """What silver holds, in the model's words."""
    table = scan(lake.home.table("silver", dataset), version)
    if table is None:
        return {}
    numbers = {key_text(dataset, key): key for key in range(5)}
    rows = table.select("_period", pl.col(KEY[dataset]).cast(pl.String), VALUE[dataset]).collect().rows()
    return {(period if dataset == SNAPSHOT else "", numbers[key]): value for period, key, value in rows}


def as_of(lake: Lake, versions: Mapping[str, int]) -> dict[str, Rows]:
    """What silver held at a lake version; a table that it lacks did not exist then."""
    known = {name: versions.get(f"silver/{name}") for name in DATASETS}
    return {name: {} if number is None else silver(lake, name, number) for name, number in known.items()}


def put(lake: Lake, file: File) -> None:
    path = lake.home.inbox / file.dataset.partition("_")[0] / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)


def settle(lake: Lake) -> None:
    for dataset in DATASETS:
        steps.update_silver(lake, dataset)


class Story(RuleBasedStateMachine):
    """The lake, what departments did, and what was answered as of earlier versions."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="agrilake-story-")
        self.lake = reference_lake(Path(self.folder.name) / "home")
        self.files: list[File] = []
        self.inbox: list[File] = []
        self.answers: dict[int, dict[str, Rows]] = {}
        self.number = 0

    def _drop(self, file: File, name: str) -> None:
        waiting = {item.name for item in self.inbox}
        if name in waiting:  # a department's second file of that name replaces the first: not what this is about
            self.take()
        file.name, file.content = name, file.content or written(file)
        put(self.lake, file)
        self.inbox.append(file)

    @rule(
        dataset=st.sampled_from(DATASETS),
        period=st.sampled_from(PERIODS),
        records=RECORDS,
        revision=st.sampled_from((0, 0, 1, 2)),
        encoding=st.sampled_from(ENCODINGS),
    )
    def drop(self, dataset: str, period: str, records: list[Record], revision: int, encoding: str) -> None:
        self.number += 1
        file = File(self.number, dataset, period, records, revision, encoding)
        self._drop(file, base_name(file))

    @precondition(lambda self: self.inbox)
    @rule()
    def take(self) -> None:
        """What lies in the inbox is taken at once, in the order in which the lake takes it."""
        outcomes = take(self.lake)
        settle(self.lake)
        for file in self.inbox:
            outcome = outcomes[f"{file.dataset.partition('_')[0]}/{file.name}"]
            assert outcome.repeat_of is None
            file.delivery = outcome.delivery.id
            file.order = outcome.delivery.sequence
            self.files.append(file)
            if file.mends is not None:
                file.mends.mended.append(file)
        self.inbox = []

    @precondition(lambda self: any(self._mendable()))
    @rule(data=st.data())
    def mend(self, data: st.DataObject) -> None:
        """The receipt comes back with some of its wrong values put right, the rest as it was."""
        self._taken()
        options = self._mendable()
        if not options:
            return
        base = data.draw(st.sampled_from(options), label="mended")
        (path,) = self.lake.home.outbox.rglob(f"*补正-{base.delivery[:8]}-1.csv")
        table = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
        column = next(at for at, cell in enumerate(table[0]) if cell in ("订单数", "参训人次", "家庭人口"))
        keys = next(at for at, cell in enumerate(table[0]) if cell in ("商品类别", "场次编号", "农户编号"))
        numbers = {text: key for key in range(5) for text in (key_text(base.dataset, key), *self._spellings(key))}
        records = []
        for row in table[1:]:
            value: int | None = int(row[column]) if row[column].isdigit() else None
            if value is None and data.draw(st.booleans(), label="put right"):
                value = data.draw(st.integers(4, 6), label="value")
                row[column] = str(value)
            records.append(Record(numbers[row[keys]], value))
        text = io.StringIO()
        csv.writer(text).writerows(table)
        self.number += 1
        content = text.getvalue().encode("utf-8-sig")
        if any(item.content == content for item in base.mended):
            return
        mend = File(self.number, base.dataset, base.period, records, mends=base, content=content)
        self._drop(mend, path.name)

    @precondition(lambda self: any(not item.is_withdrawn for item in self.files))
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """The very same bytes under the same name again change nothing."""
        self._taken()
        file = data.draw(st.sampled_from([item for item in self.files if not item.is_withdrawn]), label="repeated")
        before = len(self.lake.state.deliveries())
        put(self.lake, file)
        (outcome,) = take(self.lake).values()
        assert outcome.repeat_of == file.delivery
        assert len(self.lake.state.deliveries()) == before

    @precondition(lambda self: any(not item.is_withdrawn for item in self.files))
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        self._taken()
        file = data.draw(st.sampled_from([item for item in self.files if not item.is_withdrawn]), label="withdrawn")
        withdraw(self.lake, file.delivery, "王某", "试")
        for one in (file, *mends_of(file)):
            one.is_withdrawn = True

    @precondition(lambda self: self.files)
    @rule()
    def ask(self) -> None:
        """What the lake answers now must be its answer as of this version for ever."""
        self._taken()
        version = self.lake.state.record_lake_version(steps.lake_tables(self.lake))
        said = as_of(self.lake, version.tables)
        assert self.answers.setdefault(version.version, said) == said

    @invariant()
    def silver_is_what_the_model_says(self) -> None:
        for name in DATASETS:
            assert silver(self.lake, name) == expected_rows(name, self.files), name

    @invariant()
    def counts_add_up(self) -> None:
        known = {item.id: item for item in self.lake.state.deliveries()}
        for file in self.files:
            item = known[file.delivery]
            if file.is_withdrawn:
                assert item.status == "withdrawn"
                continue
            assert {name: getattr(item, name) for name in file.expected} == file.expected
            assert item.records == item.accepted + item.quarantined + item.duplicate

    @invariant()
    def answers_stay(self) -> None:
        versions = {item.version: item.tables for item in self.lake.state.lake_versions()}
        for number, said in self.answers.items():
            assert as_of(self.lake, versions[number]) == said

    def teardown(self) -> None:
        try:
            if self.inbox:
                self.take()
            self.again()
        finally:
            self.folder.cleanup()

    def again(self) -> Lake:
        """What counts, taken one by one by another lake, in an order that keeps only that of files of one place."""
        other = reference_lake(Path(self.folder.name) / "other")
        left = [file for file in self.files if not file.is_withdrawn]
        for file in shuffled(left, self.number):
            put(other, file)
            take(other)
        settle(other)
        for name in DATASETS:
            assert silver(other, name) == silver(self.lake, name), name
        return other

    def _taken(self) -> None:
        if self.inbox:
            self.take()

    def _mendable(self) -> list[File]:
        return [file for file in self.files if not file.is_withdrawn and file.expected["quarantined"]]

    @staticmethod
    def _spellings(key: int) -> tuple[str, ...]:
        return (CATEGORIES[key],)


def shuffled(files: list[File], seed: int) -> list[File]:
    """Another order: files of one place stay in theirs, a mend comes after what it mends."""
    chance = random.Random(seed)  # noqa: S311 -- no secret
    left, done = list(files), list[File]()
    while left:
        free = [file for file in left if all(not _before(other, file) for other in left if other is not file)]
        done.append(chance.choice(free))
        left.remove(done[-1])
    return done


def _before(one: File, other: File) -> bool:
    """Whether the one must be taken before the other."""
    if other.mends is one:
        return True
    places = [(file.dataset, file.period, file.revision, id(file.mends)) for file in (one, other)]
    return places[0] == places[1] and one.order < other.order


def tell(stories: type[Story], number: int, steps: int, full: bool) -> None:
    """Play so many stories of so many steps; the same ones each time, unless all that there is is to be tried."""
    run_state_machine_as_test(
        stories,
        settings=settings(
            max_examples=number,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not full,
            database=None,
            phases=(Phase.explicit, Phase.generate, *((Phase.shrink,) if full else ())),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
