"""What a file's name says: dataset, period, and whether it replaces, mends or repeats an earlier delivery."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from agrilake.contract.load import Registry
from agrilake.contract.model import Dataset
from agrilake.errors import RefusedFile
from agrilake.intake.manifest import Manifest, read_manifest
from agrilake.intake.periods import EXAMPLES, FREQUENCY_TITLES, parse_period
from agrilake.intake.privacy import mask_file_name

EXTENSIONS = (".csv", ".xlsx", ".xls", ".txt", ".tsv")
MAX_NAME_BYTES = 240
SEPARATOR = re.compile(r"_{2,}")
FORBIDDEN = re.compile(r'[/\\:*?"<>|]|^\.|^~')
COPY_MARK = re.compile(r"\s*(?:\(\d+\)|[-_]\s*副本(?:\s*\(\d+\))?)$")
CORRECTION = re.compile(r"更正(\d{0,3})")
MEND = re.compile(r"补正-([0-9a-f]{8})-(\d{1,4})", re.IGNORECASE)
CONFIRMED = "确认"
PATTERN = "数据集__期别[__说明].csv，例如 农户__2024-05.xlsx"


@dataclass(frozen=True)
class DeliveryName:
    """A delivery as its name (and manifest) declares it.

    `period` is canonical: 2024, 2024Q3, 2024-05 or 2024-05-01. `kind` is "base" or "mend"; `revision` 0 for
    the first base file, 1, 2 … for 更正, 更正2 …, and n of 补正-<delivery8>-<n> for mends; `mends` is the
    delivery id prefix that a mend refers to; `note` the free text; `confirmed` whether 确认 says that the
    same bytes are meant for another period; `rows` the number of records that the manifest states.
    """

    dataset_id: str
    period: str
    kind: str = "base"
    revision: int = 0
    mends: str | None = None
    note: str = ""
    confirmed: bool = False
    rows: int | None = None


def parse_name(path: Path, registry: Registry, *, check_folder: bool = True) -> DeliveryName:
    """The delivery that a file's name, with its manifest if there is one, declares.

    With `check_folder` the parent folder must be that of the dataset's department. The manifest may give
    period and revision that the name leaves out, and must agree with those that it states.
    Raises RefusedFile bad_name, unsupported_format, unknown_dataset, wrong_department, wrong_period or
    manifest_mismatch.
    """
    stem = _stem(path.name)
    first, *rest = [part.strip() for part in SEPARATOR.split(stem)]
    dataset = _dataset(first, registry, path.parent.name, check_folder)
    manifest = read_manifest(path)
    if not rest and manifest and manifest.period:
        rest = [manifest.period]
    if not rest:
        raise RefusedFile("bad_name", "文件名里没有期别。", f"请改成：{PATTERN}。")
    period = _period(_without_copy_mark(rest[0]), dataset)
    name = _with_notes(DeliveryName(dataset.id, period), [_without_copy_mark(part) for part in rest[1:]])
    return _agreed(name, manifest, dataset)


def _without_copy_mark(part: str) -> str:
    """The part without what Windows and browsers add to a second copy: (1), - 副本."""
    return COPY_MARK.sub("", part)


def _stem(name: str) -> str:
    """The name without its extension, NFKC, after everything that could play tricks is refused."""
    text = unicodedata.normalize("NFKC", name)
    hidden = any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name)
    if hidden or ".." in name or FORBIDDEN.search(name) or len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        raise RefusedFile("bad_name", "文件名含有不允许的字符（控制字符、路径符号等）或过长。", f"请改成：{PATTERN}。")
    stem, dot, extension = text.rpartition(".")
    if not dot or f".{extension.lower()}" not in EXTENSIONS:
        allowed = "、".join(extension.removeprefix(".") for extension in EXTENSIONS)
        raise RefusedFile("unsupported_format", "不支持这种文件类型。", f"请另存为 {allowed} 之一后报送。")
    return stem.strip()


def _key(text: str) -> str:
    return re.sub(r"[\s·“”\"'《》]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _dataset(word: str, registry: Registry, folder: str, check_folder: bool) -> Dataset:
    """The dataset by id, title or synonym; where several share a word, the folder's department decides."""
    found = _spelt(_key(word), list(registry.datasets.values()))
    if not found:
        raise _unknown(word, registry, folder)
    inside = [item for item in found if item.department == folder]
    if check_folder and not inside:
        other = found[0]
        raise RefusedFile(
            "wrong_department",
            f"“{other.title}”由{other.department_title or other.department}报送，"
            f"文件却放在“{mask_file_name(folder)}”文件夹里。",
            f"请放入收件箱的 {other.department} 文件夹，或核对文件名。",
        )
    candidates = inside or found
    if len(candidates) > 1:
        names = "、".join(item.id for item in candidates)
        raise RefusedFile("unknown_dataset", f"“{word}”对应多个数据集：{names}。", "请在文件名中写数据集编号。")
    return candidates[0]


def _spelt(key: str, datasets: Sequence[Dataset]) -> list[Dataset]:
    """Datasets with that id, else title, else synonym: a title goes before another one's synonym."""
    for spellings in (lambda item: (item.id,), lambda item: (item.title,), lambda item: item.synonyms):
        found = [item for item in datasets if key in {_key(text) for text in spellings(item)}]
        if found:
            return found
    return []


def _unknown(word: str, registry: Registry, folder: str) -> RefusedFile:
    here = [item for item in registry.datasets.values() if item.department == folder]
    spellings = {
        _key(text): item
        for item in [*registry.datasets.values(), *here]
        for text in (*item.synonyms, item.title, item.id)
    }
    near = [spellings[key] for key in get_close_matches(_key(word), list(spellings), n=3, cutoff=0.5)]
    near = list({item.id: item for item in near}.values()) or here
    hint = "、".join(f"{item.title}（{item.id}）" for item in near)
    remedy = f"是不是：{hint}？请改文件名后重新放入。" if hint else f"请改成：{PATTERN}。"
    return RefusedFile("unknown_dataset", f"没有名为“{mask_file_name(word)}”的数据集。", remedy)


def _period(text: str, dataset: Dataset) -> str:
    found = parse_period(text)
    example = f"{dataset.title}__{EXAMPLES[dataset.frequency]}"
    if found is None:
        raise RefusedFile("wrong_period", f"文件名中的期别“{mask_file_name(text)}”看不懂。", f"请写成：{example}。")
    period, frequency = found
    if frequency is not dataset.frequency:
        here, wanted = FREQUENCY_TITLES[frequency], FREQUENCY_TITLES[dataset.frequency]
        reason = f"“{dataset.title}”按{wanted}报送，文件名中的期别“{text}”是按{here}的。"
        raise RefusedFile("wrong_period", reason, f"请写成：{example}。")
    return period


def _with_notes(name: DeliveryName, parts: Sequence[str]) -> DeliveryName:
    notes: list[str] = []
    for part in parts:
        if found := CORRECTION.fullmatch(part):
            name = replace(name, revision=int(found[1] or 1))
            if name.revision == 0:
                raise RefusedFile("bad_name", "更正的次数从 1 开始。", "请写成 更正 或 更正2。")
        elif found := MEND.fullmatch(part):
            name = replace(name, kind="mend", mends=found[1].lower(), revision=int(found[2]))
        elif part == CONFIRMED:
            name = replace(name, confirmed=True)
        elif part.startswith("补正"):
            raise RefusedFile(
                "bad_name", f"补正文件的写法“{mask_file_name(part)}”不对。", "请沿用回执中给出的文件名，不要改动。"
            )
        elif part:
            notes.append(part)
    return replace(name, note=" ".join(notes))


def _agreed(name: DeliveryName, manifest: Manifest | None, dataset: Dataset) -> DeliveryName:
    """The name with what the manifest adds; raises manifest_mismatch where they contradict each other."""
    if manifest is None:
        return name
    if manifest.period and _period(manifest.period, dataset) != name.period:
        raise _mismatch(f"期别：文件名是 {name.period}，清单是 {manifest.period}")
    revision = name.revision if manifest.revision is None else manifest.revision
    if name.revision not in (0, revision):
        raise _mismatch(f"更正次数：文件名是 {name.revision}，清单是 {revision}")
    return replace(name, revision=revision, rows=manifest.rows)


def _mismatch(what: str) -> RefusedFile:
    return RefusedFile("manifest_mismatch", f"文件名与清单不一致（{what}）。", "请核对后重新报送文件和清单。")
