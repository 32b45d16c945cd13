"""Rules across tables, which no contract can state: one file each under expectations/cross_table, as SQL over the lake.

A rule only warns. What breaks it is counted like any expectation, and listed by delivery and line, without a value, for
those who must look it up.
"""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from agrilake.contract.yamlfile import read_yaml
from agrilake.errors import UsageError
from agrilake.paths import Home, project_root
from agrilake.suites.docs import quality_folder, write_quality_docs
from agrilake.suites.model import WARN, ExpectationOutcome, SuiteResult, decide
from agrilake.tables.asof import TABLE, lake_sql

NAME, TITLE = "cross_table", "跨表规则"
LINES = f"{NAME}.csv"
PLACE = {"source_dataset": "数据集", "delivery_id": "回执编号", "sheet": "工作表", "line": "行号"}
SEVERITIES = (WARN,)
SPATIAL = "ST_"
EXPECTATION = "expect_no_row_to_break_rule"
Lines = list[dict[str, Any]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rule:
    """A rule: `wrong` selects the delivered lines (columns of PLACE) that break it, of the rows of the table `counted`.

    `title` says what holds, `why` what to do where it does not; both are Chinese.
    """

    id: str
    title: str
    why: str
    severity: str
    counted: str
    wrong: str

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that it reads, as `layer/name`."""
        found = TABLE.findall(f"{self.counted} {self.wrong}")
        return tuple(sorted({f"{layer.lower()}/{name.lower()}" for layer, name in found}))


@cache
def load_rules(folder: Path | None = None) -> tuple[Rule, ...]:
    """All rules in order of their file names; ContractError for one that lacks a part or says an unknown one."""
    folder = folder or project_root() / "expectations" / NAME
    return tuple(_rule(path) for path in sorted(folder.glob("*.yaml")))


def _rule(path: Path) -> Rule:
    source, parts = read_yaml(path), [item.name for item in fields(Rule)]
    source.only(source.data, parts, ())
    for part in parts:
        if not source.data.get(part):
            raise source.error((), f"{part} is missing")
    source.one_of(source.data["severity"], SEVERITIES, ("severity",))
    if source.data["id"] != path.stem:
        raise source.error(("id",), f"{source.data['id']!r} differs from the file's name {path.stem!r}")
    return Rule(**source.data)


def check_rules(home: Home, rules: Sequence[Rule], versions: Mapping[str, int], version: int) -> SuiteResult:
    """Run the rules on the lake at pinned table versions and renew their quality page and the list of lines.

    Rules over tables that are not there yet are skipped; one whose SQL does not run is told as broken. `version` is the
    lake's, by which the result is known.
    """
    started = time.monotonic()
    ready = [rule for rule in rules if set(rule.tables) <= set(versions)]
    found = {rule.id: _wrong(home, rule, versions) for rule in ready}
    results = tuple(_outcome(home, rule, versions, found[rule.id]) for rule in ready)
    result = SuiteResult(
        dataset=NAME,
        title=TITLE,
        version=version,
        rows=sum(item.element_count or 0 for item in results),
        engine="duckdb",
        decision=decide(results),
        results=results,
        seconds=round(time.monotonic() - started, 3),
        skipped=tuple(rule.title for rule in rules if rule not in ready),
    )
    write_quality_docs(home, [result])
    _write_lines(quality_folder(home) / LINES, ready, found)
    return result


def _wrong(home: Home, rule: Rule, versions: Mapping[str, int]) -> Lines | None:
    """The lines that break the rule; None where its SQL does not run."""
    query = f"SELECT {', '.join(PLACE)} FROM ({rule.wrong}) ORDER BY ALL"
    try:
        rows: Lines = lake_sql(home, query, versions, spatial=SPATIAL in query).to_pylist()
    except UsageError as error:
        log.error("expectations/%s/%s.yaml: %s", NAME, rule.id, error)
        return None
    return rows


def _outcome(home: Home, rule: Rule, versions: Mapping[str, int], wrong: Lines | None) -> ExpectationOutcome:
    counted = lake_sql(home, f"SELECT count(*) AS n FROM {rule.counted}", versions).to_pylist()
    return ExpectationOutcome(
        expectation=EXPECTATION,
        column=None,
        title="",
        severity=rule.severity,
        success=wrong == [],
        unexpected_count=None if wrong is None else len(wrong),
        element_count=int(counted[0]["n"]),
        description=f"{rule.title}；否则：{rule.why}",
        broken=wrong is None,
    )


def _write_lines(path: Path, rules: Sequence[Rule], found: Mapping[str, Lines | None]) -> None:
    """The lines that break a rule, as a table for Excel."""
    unfinished = path.with_name(f".{path.name}.tmp")
    with unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["规则", *PLACE.values(), "怎么办"])
        writer.writerows(_lines(rules, found))
    unfinished.chmod(0o600)  # of every department's deliveries
    unfinished.replace(path)


def lines_at(home: Home) -> Lines:
    """The lines that broke a rule at its last run: rule, dataset, delivery_id, sheet, line, why; none before it ran."""
    path = quality_folder(home) / LINES
    if not path.exists():
        return []
    names = ("rule", "dataset", "delivery_id", "sheet", "line", "why")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1:]
    found = [dict(zip(names, (cell or None for cell in row), strict=True)) for row in rows]
    return [row | {"line": int(row["line"]) if row["line"] else None} for row in found]


def _lines(rules: Sequence[Rule], found: Mapping[str, Lines | None]) -> Iterator[list[Any]]:
    for rule in rules:
        for row in found[rule.id] or ():
            yield [rule.title, *(row[name] for name in PLACE), rule.why]
