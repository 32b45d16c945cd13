"""The quality pages (Data Docs) under <home>/docs/quality: one a table and an index, in Chinese.

Great Expectations' own site is not used: its pages fetch Bootstrap, jQuery and bootstrap-table from six public
servers and show no table without them, they are English, and a district's intranet has no such access. These
pages are made from the same results, hold counts alone, and need nothing but a browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from agrilake.lake.locks import table_lock
from agrilake.paths import PAGE_MODE, PASSED, Home, make_folder
from agrilake.suites.model import PASS, STOP, WARN, SuiteResult

WORDS = {PASS: "通过", WARN: "有提醒", STOP: "停止下游"}
INDEX = "index.html"


def quality_folder(home: Home) -> Path:
    """Where the pages are; its index.html is what other pages link to."""
    return home.docs / "quality"


def write_quality_docs(home: Home, results: Iterable[SuiteResult]) -> Path:
    """Renew the pages of these tables and the index over all tables; returns the index.

    Beside each page stands its result as JSON. Several tasks may write at the same time.
    """
    folder = quality_folder(home)
    make_folder(folder, PASSED["docs"])
    with table_lock(folder):
        for result in results:
            document = asdict(result)
            del document["seconds"]  # the only thing that would differ when the same table is checked again
            _write(folder / f"{result.dataset}.json", json.dumps(document, ensure_ascii=False, indent=1) + "\n")
            _write(folder / f"{result.dataset}.html", _table_page(document))
        suites = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
        _write(folder / INDEX, _template("index.html.j2").render(suites=suites, words=WORDS))
    return folder / INDEX


def _table_page(suite: Mapping[str, Any]) -> str:
    """Failed expectations first, those that stop before those that warn."""
    outcomes = [{**item, **_verdict(item)} for item in suite["results"]]
    outcomes.sort(key=lambda item: (STOP, WARN, PASS).index(item["mark"]))
    return _template("table.html.j2").render(suite=suite, outcomes=outcomes, words=WORDS)


def _verdict(item: Mapping[str, Any]) -> dict[str, str]:
    if item["success"]:
        return {"mark": PASS, "word": "符合"}
    if item["broken"]:
        return {"mark": STOP, "word": "无法执行"}
    return {"mark": item["severity"], "word": "不符合"}


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("agrilake.suites")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def _template(name: str) -> Any:
    return _environment().get_template(name)


def _write(path: Path, text: str) -> None:
    """Replace in one go, so that a reader or a killed writer never sees half a page."""
    unfinished = path.with_name(f".{path.name}.tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.chmod(PAGE_MODE)
    unfinished.replace(path)
