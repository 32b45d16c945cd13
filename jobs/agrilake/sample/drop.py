"""Dropping files into an inbox and noting, for each, what the intake must make of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from agrilake.contract.load import Registry, load_registry
from agrilake.contract.model import Dataset, Frequency
from agrilake.sample import files
from agrilake.sample.identifiers import stream
from agrilake.sample.layout import tables
from agrilake.sample.places import Places
from agrilake.sample.records import Finding, Record
from agrilake.sample.spelling import Style


@dataclass(frozen=True)
class ExpectedFinding:
    """A row that must be quarantined: its physical line (Excel row), sheet, column (None: the whole row) and rule."""

    line: int
    sheet: str | None
    column: str | None
    rule: str


@dataclass(frozen=True)
class ExpectedFile:
    """What must become of a file. `path` is relative to the inbox; `status` accepted, partial, refused, repeat.

    For `refused`, `code` says why; for `repeat`, `repeats` names the file with the same bytes (whichever of the
    two comes first is taken).
    """

    path: str
    dataset: str
    period: str
    status: str
    revision: int = 0
    code: str | None = None
    records: int = 0
    accepted: int = 0
    quarantined: int = 0
    duplicate: int = 0
    repeats: str | None = None
    form: str = "csv"
    encoding: str = ""
    findings: tuple[ExpectedFinding, ...] = ()


@dataclass
class Drop:
    """Collects the files of one sample. `seed` feeds the layout's own choices (order of spellings, places of dirt)."""

    target: Path
    places: Places
    seed: int
    registry: Registry = field(default_factory=load_registry)
    expected: list[ExpectedFile] = field(default_factory=list)
    due: dict[str, date] = field(default_factory=dict)

    @property
    def inbox(self) -> Path:
        return self.target / "inbox"

    def path(self, dataset: Dataset, period: str, style: Style, note: str = "") -> Path:
        """<inbox>/<department>/<dataset>__<period>[__note].<form>, in English or Chinese."""
        name = dataset.title if style.titled else dataset.id
        label = _chinese_period(period) if style.titled and style.periods == "chinese" else period
        parts = "__".join(part for part in (name, label, note) if part)
        return self.inbox / dataset.department / f"{parts}.{style.form}"

    def table(
        self,
        dataset_id: str,
        period: str,
        records: Sequence[Record],
        style: Style,
        note: str = "",
        left_out: Sequence[str] = (),
        arrives: date | None = None,
    ) -> ExpectedFile:
        """Write the records in the style; `left_out` are optional columns that the department does not send.

        `arrives` is the day of arrival where it is not the usual one.
        """
        dataset = self.registry.get(dataset_id)
        path = self.path(dataset, period, style, note)
        rng = stream(self.seed, "layout", path.name)
        sheets = tables(dataset.layout(period), records, style, self.places, period, rng, left_out)
        places = files.write(path, sheets, style)
        written = [line.record for sheet in sheets for line in sheet.lines if line.record is not None]
        findings = [
            _finding(line, sheet, item)
            for record, (line, sheet) in zip(written, places, strict=True)
            for item in record.findings
        ]
        return self.add(
            path,
            dataset,
            period,
            records=len(written),
            duplicate=sum(record.duplicate for record in written),
            quarantined=sum(bool(record.findings) for record in written),
            findings=findings,
            style=style,
            note=note,
            arrives=arrives,
        )

    def add(
        self,
        path: Path,
        dataset: Dataset,
        period: str,
        *,
        records: int,
        duplicate: int,
        quarantined: int,
        findings: Sequence[ExpectedFinding],
        style: Style,
        note: str = "",
        arrives: date | None = None,
    ) -> ExpectedFile:
        """Note what must become of a file that was written."""
        expected = ExpectedFile(
            path=str(path.relative_to(self.inbox)),
            dataset=dataset.id,
            period=period,
            status="partial" if quarantined else "accepted",
            revision=_revision(note),
            records=records,
            accepted=records - duplicate - quarantined,
            quarantined=quarantined,
            duplicate=duplicate,
            form=style.form,
            encoding="" if style.workbook else style.encoding,
            findings=tuple(findings),
        )
        self._keep(expected, path, arrives or _day_of_delivery(dataset, period, expected.revision))
        return expected

    def manifest(self, file: ExpectedFile) -> None:
        """The sender's statement beside a file: size, sha256, rows and period."""
        path = self.inbox / file.path
        data = path.read_bytes()
        stated = {
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "rows": file.records,
            "period": file.period,
        }
        path.with_name(f"{path.name}.manifest.json").write_text(json.dumps(stated), encoding="utf-8")

    def repeat(self, original: ExpectedFile, name: str) -> None:
        """The same bytes again under another name."""
        source = self.inbox / original.path
        path = source.with_name(name)
        shutil.copyfile(source, path)
        expected = ExpectedFile(
            path=str(path.relative_to(self.inbox)),
            dataset=original.dataset,
            period=original.period,
            status="repeat",
            repeats=original.path,
            form=original.form,
            encoding=original.encoding,
        )
        self._keep(expected, path, self.due[original.path] + timedelta(days=3))

    def refuse(
        self, department: str, name: str, content: bytes, code: str, dataset: str = "", period: str = ""
    ) -> None:
        """A file that cannot be taken at all, with the code that its receipt must state."""
        path = self.inbox / department / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        expected = ExpectedFile(
            str(path.relative_to(self.inbox)), dataset, period, "refused", code=code, form=path.suffix[1:]
        )
        self._keep(expected, path, max(self.due.values(), default=date(2024, 2, 1)))

    def _keep(self, expected: ExpectedFile, path: Path, day: date) -> None:
        if expected.path in self.due:
            raise ValueError(f"{expected.path} was written twice")
        self.expected.append(expected)
        self.due[expected.path] = day

    def finish(self) -> list[ExpectedFile]:
        """Give the files the dates of their arrival and write truth/files.json in that order."""
        order = sorted(self.expected, key=lambda item: (self.due[item.path], item.dataset, item.path))
        for index, item in enumerate(order):
            day = datetime.combine(self.due[item.path], datetime.min.time(), tzinfo=UTC)
            stamp = (day + timedelta(hours=1, seconds=index)).timestamp()
            os.utime(self.inbox / item.path, (stamp, stamp))
        truth = self.target / "truth"
        truth.mkdir(parents=True, exist_ok=True)
        rows = [{"order": index, **asdict(item)} for index, item in enumerate(order, 1)]
        text = "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"
        (truth / "files.json").write_text(text, encoding="utf-8")
        return order


def _finding(line: int, sheet: str | None, item: Finding) -> ExpectedFinding:
    return ExpectedFinding(line, sheet, item.column or None, item.rule)


def _revision(note: str) -> int:
    return int(note.removeprefix("更正") or 1) if note.startswith("更正") else 0


def _chinese_period(period: str) -> str:
    if "Q" in period:
        return f"{period[:4]}年第{period[-1]}季度"
    year, _, month = period.partition("-")
    return f"{year}年{int(month)}月" if month else f"{year}年"


def _day_of_delivery(dataset: Dataset, period: str, revision: int) -> date:
    """A few days before the contract's due day; a correction comes two weeks later."""
    match dataset.frequency:
        case Frequency.YEAR:
            # The reference tables are there before the first department reports.
            end = date(int(period) - 1, 12, 31) if dataset.reference else date(int(period), 12, 31)
        case Frequency.QUARTER:
            month = 3 * int(period[-1])
            end = date(int(period[:4]) + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        case _:
            year, month = int(period[:4]), int(period[5:7])
            end = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return end + timedelta(days=max(dataset.due_day - 2, 1) % 28 + 14 * revision)
