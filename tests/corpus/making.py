"""The files of the cases in cases/*.yaml, made from their descriptions."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

import yaml
from msoffcrypto.format.ooxml import OOXMLFile
from tests.corpus import hostile, workbooks
from tests.corpus.words import filled

from agrilake.contract.load import load_registry
from agrilake.contract.model import Dataset
from agrilake.intake.manifest import manifest_path

FOLDER = Path(__file__).parent / "cases"
BASES = Path(__file__).with_name("bases.yaml")
Make = dict[str, Any]


@dataclass(eq=False)
class Case:
    """One file: where it is dropped, what is in it, and the outcome that its department is told.

    `counts` are records, accepted, quarantined, duplicate; `rules` the quarantine's findings by rule; `findings` and
    `warnings` are [line, column, rule] each, and then the only ones; `accepted` has for columns of silver the values
    of the accepted rows in order (`_line` their lines); `told` are pieces of the receipt's text. A case `after` another
    one is dropped when that one has its receipt.
    """

    case: str
    outcome: str
    make: Make
    status: str
    path: str = ""
    code: str | None = None
    counts: tuple[int, int, int, int] = (0, 0, 0, 0)
    rules: dict[str, int] = field(default_factory=dict)
    findings: list[list[Any]] | None = None
    warnings: list[list[Any]] | None = None
    accepted: dict[str, list[Any]] | None = None
    told: str | list[str] = ""
    details: dict[str, Any] = field(default_factory=dict)
    manifest: Any = None
    after: str | None = None
    repeat: bool = False

    def __post_init__(self) -> None:
        if self.findings is not None and not self.rules:
            for *_, rule in self.findings:
                self.rules[rule] = self.rules.get(rule, 0) + 1

    @property
    def pieces(self) -> list[str]:
        """What the receipt must say."""
        return [filled(piece) for piece in ([self.told] if isinstance(self.told, str) else self.told)]

    def place(self, receipt: str = "") -> str:
        """Path in the inbox; {receipt} is the number of the receipt of the case before."""
        path = self.path or default_path(self.case, self.make)
        return filled(path.replace("{receipt}", receipt), self.case)

    @cached_property
    def content(self) -> bytes:
        """The file's bytes, made once: a password's salt is never the same twice."""
        return content(self.make, self.case)


class _Loader(yaml.CSafeLoader):
    """YAML in which 2024-02-30 is the text that it is; a day for a workbook's cell is written !!timestamp."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
        for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@cache
def load_bases() -> dict[str, dict[str, Any]]:
    """bases.yaml: a good row of each dataset."""
    bases: dict[str, dict[str, Any]] = yaml.load(BASES.read_text("utf-8"), _Loader)  # noqa: S506 -- a safe loader
    return bases


def load_cases() -> list[Case]:
    """All cases of cases/*.yaml."""
    texts = [path.read_text("utf-8") for path in sorted(FOLDER.glob("*.yaml"))]
    return [Case(**item) for text in texts for item in yaml.load(text, _Loader)]  # noqa: S506 -- a safe loader


def default_path(case: str, make: Make) -> str:
    """<department>/<dataset>__<period>__<case>.<form> of a file made from a base."""
    base = load_bases()[make["base"]]
    note = "-".join("".join(letter if letter.isalnum() else " " for letter in case).split())
    period = make.get("period", base["period"])
    return f"{dataset_of(make).department}/{base['dataset']}__{period}__{note}.{make.get('form', 'csv')}"


def dataset_of(make: Make) -> Dataset:
    """The dataset of a base."""
    return load_registry().get(load_bases()[make["base"]]["dataset"])


def drop_case(case: Case, inbox: Path, receipt: str = "", receipt_csv: Path | None = None) -> str:
    """Put the case's file (or link), with its manifest, into the inbox; returns its place there."""
    place = case.place(receipt)
    path = inbox / place
    path.parent.mkdir(parents=True, exist_ok=True)
    if "link" in case.make:
        path.symlink_to(case.make["link"])
        return place
    if "mended" in case.make:
        assert receipt_csv is not None, case.case
        path.write_bytes(mended(receipt_csv, case.make))
    else:
        path.write_bytes(case.content)
    if case.manifest is not None:
        manifest_path(path).write_text(_manifest(case.manifest, path.read_bytes()), encoding="utf-8")
    return place


def _manifest(stated: Any, data: bytes) -> str:
    if stated == "deep":
        return "[" * 30_000
    if not isinstance(stated, dict):
        return str(stated)
    right = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return json.dumps({key: right[key] if value == "right" else value for key, value in stated.items()})


def content(make: Make, case: str = "") -> bytes:
    """The bytes that a description asks for; exactly one of its kinds, then mark, truncate or password."""
    kinds = {name: maker for name, maker in MAKERS.items() if name in make}
    assert len(kinds) == 1, make
    (name, maker), *_ = kinds.items()
    data = bytes.fromhex(make.get("mark", "")) + maker(make[name], make, case)
    if "truncate" in make:
        data = data[: make["truncate"]]
    if "password" in make:
        target = io.BytesIO()
        OOXMLFile(io.BytesIO(data)).encrypt(make["password"], target)
        data = target.getvalue()
    return data


def _text(text: str, make: Make, case: str) -> bytes:
    lines = filled(text, case).replace("\n", make.get("newline", "\n"))
    return lines.encode(make.get("encoding", "utf-8"))


def _parts(parts: list[Make], _: Make, case: str) -> bytes:
    return b"".join(bytes.fromhex(part["hex"]) if "hex" in part else _text(part["text"], part, case) for part in parts)


def _base64(text: str, _: Make, __: str) -> bytes:
    return base64.b64decode(text)


def table(make: Make, case: str) -> list[list[Any]]:
    """Header and rows of a base: `rows` change cells by English names, `header` titles, `without` leaves columns out,
    `also` adds columns at the end by their titles, `only_header` and rows of plain lists stand as they are."""
    base, dataset = load_bases()[make["base"]], dataset_of(make)
    names = [name for name in base["row"] if name not in make.get("without", ())]
    titles = make.get("header", {})
    also: dict[str, Any] = make.get("also", {})
    found = [[*(titles.get(name, dataset.column(name).title) for name in names), *also]]
    for at, changes in enumerate(make.get("rows", [{}]), 1):
        if isinstance(changes, list):
            found.append(changes)
            continue
        unknown = set(changes) - set(base["row"])
        assert not unknown, (case, unknown)
        row = base["row"] | changes
        found.append(
            [_cell(row[name], case, at) for name in names] + [_cell(value, case, at) for value in also.values()]
        )
    return found


def _cell(value: Any, case: str, row: int) -> Any:
    return filled(value, case, row) if isinstance(value, str) else value


def _base(_: str, make: Make, case: str) -> bytes:
    """A good row of a dataset, changed; as text, or with `form` xlsx or xls as a workbook of typed cells."""
    above = [[filled(cell, case) for cell in line.split("|")] for line in make.get("above", ())]
    below = [[filled(cell, case) for cell in line.split("|")] for line in make.get("below", ())]
    rows = [*above, *table(make, case), *below]
    form = make.get("form", "csv")
    if form in ("xlsx", "xls"):
        sheet = {**make.get("sheet", {}), "name": make.get("sheet", {}).get("name", "Sheet1"), "rows": rows}
        return workbooks.book([sheet, *make.get("sheets_beside", ())], form)
    target = io.StringIO()
    quoting = csv.QUOTE_ALL if make.get("quote_all") else csv.QUOTE_MINIMAL
    writer = csv.writer(target, delimiter=make.get("delimiter", ","), lineterminator="\n", quoting=quoting)
    writer.writerows([["" if cell is None else str(cell) for cell in row] for row in rows])
    return _text(target.getvalue(), make, case)


def _sheets(sheets: list[Make], make: Make, case: str) -> bytes:
    """Sheets by their `rows`, or each by a `base` of its own."""
    made = []
    for sheet in sheets:
        rows = table(sheet, case) if "base" in sheet else _typed(sheet.get("rows", []), case)
        made.append({**sheet, "name": filled(str(sheet["name"]), case), "rows": rows})
    return workbooks.book(made, make.get("form", "xlsx"), make.get("options"))


def _typed(rows: list[Any], case: str) -> list[list[Any]]:
    found = []
    for at, row in enumerate(rows, 1):
        cells = filled(row, case, at).split(",") if isinstance(row, str) else [_cell(cell, case, at) for cell in row]
        found.append(cells)
    return found


def mended(receipt: Path, make: Make) -> bytes:
    """A receipt's CSV as a department sends it back: `mended` has for each row the cells to change by their titles
    (null: the row is left out), a row that it does not have is left as it is."""
    rows = list(csv.reader(io.StringIO(receipt.read_text(encoding="utf-8-sig"))))
    titles, kept = rows[0], []
    for at, row in enumerate(rows[1:], 1):
        changes = make["mended"].get(at, {})
        if changes is None:
            continue
        unknown = set(changes) - set(titles)
        assert not unknown, (unknown, titles)
        kept.append(
            [filled(str(changes[title])) if title in changes else cell for title, cell in zip(titles, row, strict=True)]
        )
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerows([titles, *kept])
    return target.getvalue().encode(make.get("encoding", "utf-8-sig"))


def _hostile(name: str) -> Callable[[Any, Make, str], bytes]:
    maker = getattr(hostile, name)
    return lambda argument, _make, _case: maker(argument)


MAKERS: dict[str, Callable[[Any, Make, str], bytes]] = {
    "text": _text,
    "parts": _parts,
    "base64": _base64,
    "base": _base,
    "sheets": _sheets,
    **{name: _hostile(name) for name in hostile.MAKERS},
}
