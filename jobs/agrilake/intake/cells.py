"""One column of a delivery against its contract: typing, limits, divisions, named checks.

A cell gets at most one error, the first in the order below: people mend cells, not rules.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

from agrilake.checks import CHECKS, CheckContext
from agrilake.contract.model import Check, Column, Dataset, LogicalType
from agrilake.errors import ContractError
from agrilake.intake.divisions import LEVEL_TITLES, DivisionIndex
from agrilake.intake.findings import WARN, findings, rule_for, rule_title
from agrilake.intake.limits import mostly_wrong
from agrilake.intake.mends import still_masked
from agrilake.intake.privacy import shown
from agrilake.intake.text import put
from agrilake.intake.values import Typed, type_column

LABELS_SHOWN = 15


@dataclass
class Cells:
    """A column on its way through the checks.

    `text` is cleaned, with division codes in place of names; `values` are typed (null where nothing is or a cell
    failed); `bad` marks cells with an error; `most` is the number of errors above which the file is refused; `people`
    says that the rows are persons'; `found` collects findings frames (see `findings`).
    """

    column: Column
    raw: pl.Series
    text: pl.Series
    values: pl.Series
    bad: pl.Series
    most: int
    people: bool = False
    found: list[pl.DataFrame] = field(default_factory=list)

    def meaning(self, rows: pl.Series | None = None) -> pl.Series:
        """What the cells (of those rows) say, as text: the typed value, else the text that could not be typed."""
        text, values = self.text, self.values
        if rows is not None:
            text, values = text.gather(rows), values.gather(rows)
        return pl.select(pl.coalesce(values.cast(pl.String), text)).to_series().alias(self.column.name)

    def fail(
        self,
        rule: str,
        at: pl.Series,
        detail: pl.Series | None = None,
        words: dict[str, str] | None = None,
        severity: str | None = None,
    ) -> None:
        """Record the rule for the cells `at` that have no error yet (null counts as fine)."""
        at = at.fill_null(False) & ~self.bad
        rows = at.arg_true()
        if not len(rows):
            return
        if len(rows) > self.most and (severity or rule_for(rule).severity) != WARN:
            raise mostly_wrong(self.most, self.column.title, rule_title(rule))
        cells = pl.DataFrame(
            {
                "row": rows,
                "found": shown(self.raw.gather(rows).str.strip_chars(), self.column, self.people),
                "detail": detail.gather(rows) if detail is not None else pl.repeat("", len(rows), eager=True),
            }
        )
        frame = findings(rule, self.column.name, self.column.title, cells, words, severity)
        self.found.append(frame)
        if frame["severity"][0] != WARN:
            self.bad = self.bad | at
            self.values = pl.select(pl.when(~at).then(self.values)).to_series().alias(self.column.name)


def check_cells(
    raw: pl.Series,
    column: Column,
    dataset: Dataset,
    header_unit: str | None,
    origin: pl.Series | None,
    divisions: DivisionIndex | None,
    most: int,
) -> Cells:
    """Type the column and check each cell by itself, all but the named checks (they may need other columns)."""
    typed = type_column(raw, column, dataset, header_unit)
    none = pl.repeat(False, len(raw), dtype=pl.Boolean, eager=True)
    people = bool(dataset.personal_columns)
    cells = Cells(column, raw, typed.text, typed.values.alias(column.name), none, most, people)
    if column.required:
        cells.fail("required", typed.text.is_null(), words={"expected": _guidance(column)})
    if column.is_personal or origin is not None:
        cells.fail("masked_value", still_masked(typed.text, origin))
    report_typing(cells, typed)
    if column.division_level and divisions is not None:
        _resolve(cells, column.division_level, divisions)
    elif not column.enum:
        _text_limits(cells)
    _refuse_persons(cells)
    number_limits(cells)
    return cells


def _refuse_persons(cells: Cells) -> None:
    """A phone, a resident's or a card's number where a code or a quantity should be: written in the wrong column.

    An amount that looks like one can be written with its thousands apart. Card numbers count in columns of numbers
    alone: one code of ten has their check digit by chance.
    """
    column = cells.column
    number = column.type in (LogicalType.INTEGER, LogicalType.NUMBER)
    if column.pii or column.enum or column.is_free_text or not (number or column.type is LogicalType.STRING):
        return
    text = cells.text.str.replace(r"\.0+$", "") if number else cells.text
    phone = CHECKS["mobile_phone"].holds(text)
    person = CHECKS["resident_id"].holds(text)
    if number:
        person |= (phone & ~text.str.ends_with("0000")) | CHECKS["bank_card"].holds(text)
    else:
        person = (person & ~CHECKS["credit_code"].holds(text)) | phone
    cells.fail("personal_number", person & cells.values.is_not_null())


def _guidance(column: Column) -> str:
    example = f"，例如“{column.example}”" if column.example and not column.is_personal else ""
    return (column.description or column.title) + example


def report_typing(cells: Cells, typed: Typed) -> None:
    """Findings for the cells that could not be typed."""
    column = cells.column
    labels = [item.label for item in column.enum]
    more = " 等" if len(labels) > LABELS_SHOWN else ""
    moment = "写到日期和时刻" if column.type is LogicalType.TIMESTAMP else "写到年月日"
    words = {
        "enum": "、".join(labels[:LABELS_SHOWN]) + more,
        "unit_unknown": column.unit or "无单位的数",
        "date_precision": moment,
    }
    for rule in typed.problems["rule"].unique().sort():
        problems = typed.problems.filter(pl.col("rule") == rule)
        detail = pl.repeat(None, len(cells.raw), dtype=pl.String, eager=True)
        detail = put(detail, problems["row"], problems["detail"])
        cells.fail(rule, detail.is_not_null(), detail, {"expected": words.get(rule, "")})


def _resolve(cells: Cells, level: str, divisions: DivisionIndex) -> None:
    answers = divisions.resolve(cells.values, level)
    table = cells.values.alias("text").to_frame().join(answers, on="text", how="left", maintain_order="left")
    expected = {"expected": LEVEL_TITLES[level]}
    for rule in answers["rule"].drop_nulls().unique().sort():
        cells.fail(rule, table["rule"] == rule, table["detail"], expected)
    cells.values = pl.select(pl.when(~cells.bad).then(table["code"])).to_series().alias(cells.column.name)
    cells.text = pl.select(pl.coalesce(table["code"], cells.text)).to_series()


def _text_limits(cells: Cells) -> None:
    column = cells.column
    if column.type is not LogicalType.STRING:
        return
    if column.pattern:
        matches = cells.values.str.contains(f"^(?:{column.pattern})$")
        cells.fail("pattern", ~matches, words={"expected": _guidance(column)})
    if column.min_length is not None:
        short = cells.values.str.len_chars() < column.min_length
        cells.fail("min_length", short, words={"expected": str(column.min_length)})
    if column.max_length is not None:
        long = cells.values.str.len_chars() > column.max_length
        cells.fail("max_length", long, words={"expected": str(column.max_length)})


def number_limits(cells: Cells) -> None:
    """Findings for the numbers outside the column's bounds."""
    column = cells.column
    if column.type not in (LogicalType.INTEGER, LogicalType.NUMBER) or column.enum:
        return
    unit = f" {column.unit}" if column.unit else ""
    for rule, bound in (("minimum", column.minimum), ("maximum", column.maximum)):
        if bound is not None:
            exact = Decimal(str(bound)).normalize()
            limit = pl.lit(float(bound)) if cells.values.dtype == pl.Float64 else pl.lit(exact)
            value = pl.lit(cells.values)
            outside = pl.select(value < limit if rule == "minimum" else value > limit).to_series()
            cells.fail(rule, outside, words={"expected": f"{exact:f}{unit}"})


def check_words(check: Check, dataset: Dataset, context: CheckContext) -> dict[str, str]:
    """The fixed words of a named check's sentence: argument values, columns by their titles, the context."""
    titles = {column.name: column.title for column in dataset.columns}
    words = {}
    for name, value in check.arguments.items():
        items = value if isinstance(value, list) else [value]
        words[name] = "、".join(titles.get(str(item), str(item)) for item in items)
    for name, bounds in (("longitudes", context.longitudes), ("latitudes", context.latitudes)):
        words[name] = f"{bounds[0]} 至 {bounds[1]} 度" if bounds else ""
    words["period_end"] = str(context.period_end or "")
    words["district"] = (context.district_code or "")[:6]
    return words


def named_checks(
    cells: dict[str, Cells],
    own: str | None,
    checks: tuple[Check, ...],
    dataset: Dataset,
    context: CheckContext,
) -> None:
    """Run named checks of one column (`own`) or, with None, of the whole row.

    A row check's finding goes to the column it is about. Raises ContractError for an unknown check of a column;
    a dataset's other names are the suite's business.
    """
    for check in checks:
        known = CHECKS.get(check.name)
        if known is None:
            if own is None:
                continue
            raise ContractError(str(dataset.path), f"{own}.quality", f"unknown check {check.name!r}", ", ".join(CHECKS))
        problem = known.argument_problem(check.arguments)
        subject = str(check.arguments.get("column") or check.arguments.get("total") or own or "")
        if problem or subject not in cells:
            raise ContractError(str(dataset.path), f"{own or 'quality'}.{check.name}", problem or "names no column")
        frame = pl.DataFrame([item.values for item in cells.values()])
        failed = ~known.valid(frame, subject, check.arguments, context)
        detail = known.explain(frame, subject, check.arguments, context) if known.explain else None
        target = cells[subject]
        words = check_words(check, dataset, context)
        target.fail(check.name, failed, detail, words, check.severity)
