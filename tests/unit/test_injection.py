"""Words that mean something to a program are words: in settings, contracts, headers and cells alike.

A copy of the project's declarations gets hostile texts for its district, a department, a dataset, a column and a code;
hostile cells and headers are delivered to it. Everything that is made from them is then looked at.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest
import yaml
from tests.support.samples import SAMPLE, drop

import agrilake.intake
from agrilake.contract.yamlfile import read_yaml
from agrilake.errors import ContractError
from agrilake.paths import project_root
from agrilake.suites import judge

SQL = "'; DROP TABLE delivery; --"
MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
FORMULA = '=HYPERLINK("http://x.invalid","点")'
TEMPLATE = "{{ 7*7 }}{% raw %}${jndi:ldap://x}#{8*8}"
HOSTILE = f"甲{SQL}{MARKUP}{TEMPLATE}"
DATASET = "agri_info_service_site"
MADE_BY_IT = """
import json, sys
from pathlib import Path
from tests.support.intake import open_lake, take
from agrilake.pipeline import publishing, steps
lake = open_lake(Path(sys.argv[1]))
take(lake)
for name in lake.registry.datasets:
    steps.update_silver(lake, name)
    steps.check_suite(lake, name)
publishing.update_publication(lake)
told = [(item.file_name, item.status, item.accepted, item.quarantined) for item in lake.state.deliveries("DATASET")]
print(json.dumps(told, ensure_ascii=False))
""".replace("DATASET", DATASET)


@dataclass(frozen=True)
class Made:
    """A project whose words are hostile, and the lake that took hostile cells by them."""

    project: Path
    home: Path
    deliveries: list[list[Any]]


def run(project: Path, *arguments: str) -> str:
    env = {**os.environ, "AGRILAKE_PROJECT": str(project)}
    done = subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("hostile")
    project, home = root / "project", root / "home"
    for name in ("schemas", "expectations", "superset_exports", "docs"):
        shutil.copytree(project_root() / name, project / name)
    settings = project / "schemas" / "settings" / "district.yaml"
    write(settings, yaml.safe_load(settings.read_text(encoding="utf-8")) | {"district_name": HOSTILE})
    contract = project / "schemas" / "agri" / "info_service_site.yaml"
    data = yaml.safe_load(contract.read_text(encoding="utf-8"))
    data["name"] = data["schema"][0]["businessName"] = HOSTILE
    data["description"]["purpose"] = HOSTILE
    for column in data["schema"][0]["properties"]:
        column["description"] = HOSTILE
    write(contract, data)
    run(project, "-m", "agrilake.commands", "generate")
    run(project, "-m", "agrilake.commands", "generate", "--check")
    for name in ("stats_division__2023.csv", "行政区划__2024.xlsx", "区划代码对照__2024.txt"):
        drop(SAMPLE / "inbox" / "stats" / name, home)
    sample = SAMPLE / "inbox" / "agri" / f"{DATASET}__2024Q1.csv"
    drop(spoilt(sample, root / sample.name), home, department="agri")
    told = run(project, "-c", MADE_BY_IT, str(home))
    return Made(project, home, json.loads(told.splitlines()[-1]))


def write(path: Path, data: Any) -> None:
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")


def spoilt(sample: Path, target: Path) -> Path:
    """The sample with hostile texts: a header that nobody knows, names that are accepted, cells that are not."""
    lines = sample.read_bytes().decode("gb18030").splitlines()[:9]
    rows = [next(csv.reader([line])) for line in lines]
    rows = [[*row, MARKUP if place == 2 else ""] for place, row in enumerate(rows)]
    rows[3][1], rows[4][1], rows[5][1] = FORMULA, SQL + TEMPLATE[:30], MARKUP
    rows[6][2], rows[7][6] = MARKUP, FORMULA
    with target.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)
    return target


class Tags(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attrs]))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_cells_are_taken_or_refused_like_others(made: Made) -> None:
    assert made.deliveries == [[f"{DATASET}__2024Q1.csv", "partial", 4, 2]]


def test_no_page_runs_what_a_cell_a_header_or_a_contract_says(made: Made) -> None:
    pages = [*made.home.rglob("*.html"), made.project / "docs" / "dictionary.html"]
    shown = {path: Tags(path.read_text(encoding="utf-8")) for path in pages}
    for path, page in shown.items():
        tags = {tag for tag, _ in page.found}
        assert not tags & {"script", "img", "iframe", "object", "embed"}, path
        assert not [name for _, names in page.found for name in names if name.startswith("on")], path
    for part in ("outbox", "docs/quality", "project/docs"):
        assert any(part in str(path) and "alert(2)" in page.text for path, page in shown.items()), part


def test_no_cell_for_a_spreadsheet_is_a_formula(made: Made) -> None:
    tables = [path for path in made.home.rglob("*.csv") if not path.is_relative_to(made.home / "inbox")]
    cells = [cell for path in tables for row in csv.reader(path.read_text("utf-8-sig").splitlines()) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@\t\r＝＋－＠]", cell)]
    form = made.home / "form.xlsx"
    run(made.project, "-m", "agrilake.commands", "template", DATASET, "--out", str(form))
    sheets = openpyxl.load_workbook(form).worksheets
    assert not [cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_words_reach_the_published_file_as_they_are(made: Made) -> None:
    file = made.home / "publications" / "current" / "analyst.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("SELECT district_name FROM publication").fetchall() == [(HOSTILE,)]
        names = {name for (name,) in connection.execute(f"SELECT name FROM {DATASET}").fetchall()}
        assert {FORMULA, SQL + TEMPLATE[:30], MARKUP} <= names
        comments = connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [DATASET])
        assert comments.fetchall() == [(HOSTILE,)]
        assert connection.execute("SELECT count(*) FROM delivery").fetchall() == [(4,)]


def test_superset_asks_what_it_asked_before(made: Made) -> None:
    """The statements of its datasets run, and every word of the district's arrives where it belongs."""
    exports = made.project / "superset_exports"
    for database in (exports / "databases").glob("*.yaml"):
        uri = yaml.safe_load(database.read_text(encoding="utf-8"))["sqlalchemy_uri"]
        asked = 0
        with duckdb.connect(str(made.home / uri.removeprefix("duckdb:///")), read_only=True) as connection:
            for path in (exports / "datasets" / database.stem).glob("*.yaml"):
                declared = yaml.safe_load(path.read_text(encoding="utf-8"))
                connection.execute(f"EXPLAIN {declared['sql'] or 'FROM ' + declared['table_name']}")
                asked += 1
        assert asked > 3, database.stem


@pytest.mark.parametrize(
    "text",
    [
        'name: !!python/object/apply:os.system ["true"]',
        "name: !!python/name:os.system",
        "name: !secret value",
        "a: &a [x, x]\nb: *a",
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "\n".join(
            f"{two}: &{two} [{', '.join([f'*{one}'] * 10)}]"
            for one, two in zip("abcdefghij", "bcdefghijk", strict=True)
        ),
    ],
    ids=["call", "name", "own tag", "alias", "aliases of aliases"],
)
def test_yaml_is_data_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=r"contract\.yaml: line \d+"):
        read_yaml(path)


@pytest.mark.timeout(60)
def test_a_contracts_pattern_runs_in_linear_time() -> None:
    """Python's own engine would try this pattern on this text until the end of time."""
    text = "a" * 100_000 + "!"
    frame = pd.DataFrame({"value": [text, "aaa", None]})
    found = judge.judge_pandas(frame, judge.Surroundings(), {"check": "matches", "regex": "^(?:(a+)+)$"}, "value")
    assert found.to_list() == [False, True, True]


def own_patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Every regular expression of the code that reads what departments send."""
    for part in pkgutil.iter_modules(agrilake.intake.__path__, "agrilake.intake."):
        for name, value in vars(importlib.import_module(part.name)).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                yield f"{part.name}.{name}", value


HOSTILE_TEXTS = [
    piece * 8_000 for piece in ("1", "a", " ", "(", "年", "1 ", "，1", "-", "1.", "2024年", "镇", "合 计", "=")
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("pattern", [pytest.param(value, id=name) for name, value in own_patterns()])
def test_no_expression_of_the_intake_takes_for_ever(pattern: re.Pattern[str]) -> None:
    for text in HOSTILE_TEXTS:
        for tail in ("", "!", "\n"):
            pattern.search(text + tail)
            pattern.fullmatch(text + tail)
