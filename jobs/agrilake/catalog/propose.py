"""`agrilake new SAMPLE_FILE`: a contract proposed from a department's file, for a person to finish."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from agrilake.catalog import words
from agrilake.catalog.naming import english_name, known_columns
from agrilake.catalog.proposal import ProposedColumn, propose_columns
from agrilake.catalog.sample import read_sample
from agrilake.contract.load import load_registry
from agrilake.contract.model import Column, Frequency, LogicalType
from agrilake.contract.settings import load_settings
from agrilake.intake.dates import canonical_period
from agrilake.intake.numbers import tidy
from agrilake.intake.privacy import mask_file_name

PERIOD_LENGTH = {4: Frequency.YEAR, 6: Frequency.QUARTER, 7: Frequency.MONTH, 10: Frequency.DAY}
DATE_IN_TITLE = re.compile(r"[（(]?\d{4}[年.\-]?\d{0,2}[月.\-]?\d{0,2}日?[）)]?")
FORM_WORD = re.compile(r"(?:统计|登记|台账|明细)?表$|台账$|名册$")
PLACEHOLDER = "department"


def propose_contract(path: Path, department: str | None = None) -> str:
    """YAML of a contract that loads as it is, with TODO where a person has to decide.

    `department` is the department's id; without it the file's folder counts where settings know it. The title
    and the period come from the file's name, everything else from headers and rows. No value of a column that
    may be personal is copied. Raises RefusedFile for a file that cannot be read as a table.
    """
    settings, registry = load_settings(), load_registry()
    sample = read_sample(path, settings.limits)
    columns = propose_columns(sample, known_columns(registry), settings.district_code)
    title, frequency = _title_and_frequency(mask_file_name(path.stem))
    known = department or (path.parent.name if path.parent.name in settings.departments else None)
    domain = known or PLACEHOLDER
    name = english_name(title)
    environment = Environment(
        loader=PackageLoader("agrilake.catalog"),
        autoescape=False,  # noqa: S701 (YAML, every text goes through `q`)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["q"] = _quoted
    environment.globals |= {"todo": _todo, "guidance": _guidance}
    return environment.get_template("contract.yaml.j2").render(
        id=f"{domain}_{name.text}",
        id_todo="" if name.sure else "名称由拼音生成，请改成英文",
        title=title,
        department=domain,
        department_todo="" if known else "报送部门的编号（见 schemas/settings/district.yaml），id 的前缀一并改",
        owner=settings.departments.get(domain, domain),
        frequency=(frequency or Frequency.MONTH).value,
        frequency_todo="" if frequency else "year、quarter、month 或 day",
        load=_load(columns),
        encoding="utf-8" if sample.encoding.startswith("utf-8") else "gb18030",
        crs={"lon", "lat"} <= {column.name for column in columns},
        period_column=next((column.name for column in columns if column.is_period), None),
        division_column=next((column.name for column in columns if column.division_level), None),
        columns=columns,
    )


def _title_and_frequency(stem: str) -> tuple[str, Frequency | None]:
    """农机装备__2024-05 -> 农机装备, month; 农机台账（2024年5月） -> 农机, none."""
    first, _, rest = tidy(stem).partition("__")
    period = canonical_period(rest.split("__")[0]) if rest else None
    undated = re.sub(r"[_\s]+", "", DATE_IN_TITLE.sub("", first))
    title = FORM_WORD.sub("", undated) or first
    return title, PERIOD_LENGTH[len(period)] if period else None


def _load(columns: Sequence[ProposedColumn]) -> str:
    """A single key that is no period is a register (upsert) or, with a moment, a log (append); else a snapshot."""
    keys = [column for column in columns if column.primary_key]
    if len(keys) != 1 or any(column.is_period for column in keys):
        return "snapshot"
    return "append" if any(column.type is LogicalType.TIMESTAMP for column in columns) else "upsert"


def _guidance(column: ProposedColumn) -> str:
    if column.division_level:
        return "12 位统计区划代码，也可填民政代码或“镇+村”名称"
    if column.enum:
        return "从下拉项中选"
    if column.type is LogicalType.STRING:
        return f"填写{column.title}"
    kind = words.type_words(Column(column.name, column.title, "", column.type))
    return f"填{kind}" + (f"，单位 {column.unit}" if column.unit else "")


def _quoted(text: str) -> str:
    """A YAML scalar: as it is where that is safe, else a JSON string (which YAML reads alike)."""
    safe = re.fullmatch(r"[A-Za-z\u4e00-\u9fff_（）“”，。；/][\w\u4e00-\u9fff（）“”，。；+/ -]*", text)
    reserved = text.lower() in ("yes", "no", "on", "off", "true", "false", "null", "y", "n")
    return text if safe and not reserved and text == text.strip() else json.dumps(text, ensure_ascii=False)


def _todo(text: str) -> str:
    return f"  # TODO：{text}" if text else ""
