"""The optional manifest beside a file: `<file>.manifest.json` {size, sha256, rows, period, revision}."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agrilake.errors import RefusedFile

SUFFIX = ".manifest.json"
MAX_BYTES = 65_536
REMEDY = "请核对后重新生成清单（.manifest.json），或删去清单只报送文件。"
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """What the sender states about a file; None where nothing is stated."""

    size: int | None = None
    sha256: str | None = None
    rows: int | None = None
    period: str | None = None
    revision: int | None = None


def manifest_path(path: Path) -> Path:
    """Where the manifest of a file would be."""
    return path.with_name(path.name + SUFFIX)


def read_manifest(path: Path) -> Manifest | None:
    """The manifest beside `path`, None if there is none; raises RefusedFile manifest_mismatch if it is no good."""
    place = manifest_path(path)
    if place.is_symlink() or not place.is_file():
        return None
    try:
        with place.open("rb") as source:
            data = json.loads(source.read(MAX_BYTES + 1))
        return _manifest(data)
    except (OSError, ValueError, RecursionError) as error:
        raise RefusedFile("manifest_mismatch", f"清单看不懂：{_short(error)}。", REMEDY) from None


def _short(error: Exception) -> str:
    return str(error) if type(error) is ValueError else "不是有效的 JSON"


def _manifest(data: Any) -> Manifest:
    if not isinstance(data, dict):
        raise ValueError("应为 {size, sha256, rows, period, revision}")
    unknown = set(data) - set(Manifest.__dataclass_fields__)
    if unknown:
        raise ValueError("有不认识的项，只能有 size、sha256、rows、period、revision")
    for name in ("size", "rows", "revision"):
        value = data.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise ValueError(f"{name} 应为非负整数")
    sha, period = data.get("sha256"), data.get("period")
    if sha is not None and not (isinstance(sha, str) and SHA256.fullmatch(sha.lower())):
        raise ValueError("sha256 应为 64 位十六进制数")
    period = str(period) if isinstance(period, int) else period
    if period is not None and not isinstance(period, str):
        raise ValueError("period 应为文字")
    return Manifest(data.get("size"), sha.lower() if sha else None, data.get("rows"), period, data.get("revision"))


def check_content(manifest: Manifest | None, size: int, sha256: str) -> None:
    """Raises RefusedFile manifest_mismatch where the landed bytes are not those that the manifest states."""
    if manifest is None:
        return
    if manifest.size is not None and manifest.size != size:
        raise _mismatch(f"清单写 {manifest.size} 字节，文件有 {size} 字节")
    if manifest.sha256 is not None and manifest.sha256 != sha256:
        raise _mismatch("SHA-256 不同")


def check_rows_stated(stated: int | None, records: int) -> None:
    """Raises RefusedFile manifest_mismatch where the number of records is not the stated one."""
    if stated is not None and stated != records:
        raise _mismatch(f"清单写 {stated} 行，文件有 {records} 行数据")


def _mismatch(what: str) -> RefusedFile:
    return RefusedFile("manifest_mismatch", f"文件与清单不一致（{what}），可能没有传完。", REMEDY)
