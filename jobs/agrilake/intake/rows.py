"""Every record of a delivery: accepted, quarantined with reasons, or a repeat. Nothing is lost; the sum is asserted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import polars as pl

from agrilake.checks import CheckContext, district_context
from agrilake.contract.model import Column, Dataset, Privacy
from agrilake.contract.settings import Settings
from agrilake.errors import ConsistencyError, SecretError
from agrilake.intake.cells import Cells, check_cells, named_checks
from agrilake.intake.conflicts import conflicts, repeats, twice
from agrilake.intake.coordinates import to_cgcs2000
from agrilake.intake.dates import canonical_period, period_bounds
from agrilake.intake.divisions import DivisionIndex
from agrilake.intake.feeds import fed
from agrilake.intake.findings import ERROR, findings, quarantine_schema, rule_title
from agrilake.intake.limits import most_problems, mostly_wrong
from agrilake.intake.mends import restore
from agrilake.intake.names import DeliveryName
from agrilake.intake.privacy import Pseudonymiser, shown
from agrilake.intake.raw import LINE, ORIGIN_LINE, SHEET, RawTable
from agrilake.intake.text import put
from agrilake.intake.totals import total_findings
from agrilake.intake.veil import masked_findings, own_values, veiled


@dataclass(frozen=True)
class Checked:
    """What became of a delivery's records.

    `accepted`: silver columns (typed, pseudonymised) with `_line`, `_sheet`; `findings`: quarantine table
    columns, errors and warnings; `quarantined_lines`: line, sheet, one row a record; `duplicates`: line,
    sheet, first_line, first_sheet; `source`: the raw frame with mended cells restored, for bronze.
    """

    accepted: pl.DataFrame = field(repr=False)
    findings: pl.DataFrame = field(repr=False)
    quarantined_lines: pl.DataFrame = field(repr=False)
    duplicates: pl.DataFrame = field(repr=False)
    records: int
    source: pl.DataFrame = field(repr=False)  # personal values: never into a log

    @property
    def accepted_count(self) -> int:
        """Records that go to silver."""
        return self.accepted.height

    @property
    def quarantined_count(self) -> int:
        """Records with at least one error, each counted once."""
        return self.quarantined_lines.height

    @property
    def duplicate_count(self) -> int:
        """Records that wholly repeat an earlier one."""
        return self.duplicates.height

    def counts_by_rule(self, severity: str = ERROR) -> dict[str, int]:
        """Findings of a severity by rule, most frequent first."""
        chosen = self.findings.filter(pl.col("severity") == severity)
        counts = chosen.group_by("rule").len().sort(["len", "rule"], descending=[True, False])
        return dict(counts.iter_rows())


def check_rows(
    raw: RawTable,
    dataset: Dataset,
    name: DeliveryName,
    divisions: DivisionIndex | None,
    pseudonymiser: Pseudonymiser | None,
    settings: Settings,
    original: pl.DataFrame | None = None,
    delivery_id: str = "",
) -> Checked:
    """Type and check all records of a delivery, by the layout that held in its period; what is accepted has today's
    columns.

    `divisions` None leaves division columns as they are (reference datasets); `pseudonymiser` may be None only
    for datasets without pseudonyms (SecretError otherwise); `original` are bronze rows of the delivery that a
    mend refers to. Raises ConsistencyError if the counts do not add up to the physical records.
    """
    layout = dataset.layout(name.period)
    frame = restore(raw.frame, layout, original)
    origin = frame[ORIGIN_LINE] if ORIGIN_LINE in frame.columns and frame[ORIGIN_LINE].count() else None
    context = _context(name, settings, divisions)
    cells: dict[str, Cells] = {}
    most = most_problems(raw.records, settings.limits)
    for column in layout.columns:
        unit = raw.header_units.get(column.name)
        cells[column.name] = check_cells(frame[column.name], column, layout, unit, origin, divisions, most)
        _refuse_mostly_wrong(cells, most)
    for column in layout.columns:
        named_checks(cells, column.name, column.checks, layout, context)
    named_checks(cells, None, layout.checks, layout, context)
    _period(cells, layout, name.period)
    _refuse_mostly_wrong(cells, most)
    filled = fed(cells, layout, dataset)
    own = own_values(frame, layout)
    kept, warnings = veiled(filled, own)
    key = dataset.key or tuple(kept)
    near = twice(pl.DataFrame([kept[part].meaning() for part in key]))
    repeated = repeats(pl.DataFrame([item.meaning(near) for item in cells.values()]), near)
    again = put(pl.repeat(False, frame.height, dtype=pl.Boolean, eager=True), repeated["row"], True)
    found = [part for item in (*cells.values(), *(() if filled is cells else filled.values())) for part in item.found]
    found += _keys(kept, dataset, frame, near, again)
    found = masked_findings(found, own) + _of_accepted(warnings, found)
    stored = replace(dataset, crs=layout.crs)
    return _assemble(raw, frame, stored, layout, name, pseudonymiser, kept, found, repeated, again, delivery_id)


def _of_accepted(warnings: list[pl.DataFrame], found: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The warnings of rows without an error."""
    wrong = [part.filter(pl.col("severity") == ERROR).select("row") for part in found]
    return [part.join(pl.concat(wrong), on="row", how="anti") for part in warnings] if wrong else warnings


def _refuse_mostly_wrong(cells: dict[str, Cells], most: int) -> None:
    """Raises RefusedFile mostly_wrong where the columns together have more errors than a file may have."""
    errors = [part for item in cells.values() for part in item.found if part["severity"][0] == ERROR]
    if sum(part.height for part in errors) > most:
        worst = max(errors, key=lambda part: part.height)
        raise mostly_wrong(most, worst["column_title"][0], rule_title(worst["rule"][0]))


def _context(name: DeliveryName, settings: Settings, divisions: DivisionIndex | None) -> CheckContext:
    return replace(
        district_context(settings),
        period_end=period_bounds(name.period)[1],
        division_codes=divisions.codes if divisions else None,
        civil_codes={civil: (code,) for civil, code in divisions.civil.items()} if divisions else None,
    )


def _period(cells: dict[str, Cells], dataset: Dataset, period: str) -> None:
    """The period column must lie within the delivery's period."""
    if dataset.period_column is None:
        return
    column = cells[dataset.period_column]
    first, last = period_bounds(period)
    wrong = []
    for text in column.values.cast(pl.String).drop_nulls().unique():
        canonical = canonical_period(text)
        bounds = period_bounds(canonical) if canonical else None
        if bounds is None or bounds[0] < first or bounds[1] > last:
            wrong.append(text)
    at = column.values.cast(pl.String).is_in(wrong)
    column.fail("period_mismatch", at, words={"expected": period})


def _keys(
    cells: dict[str, Cells], dataset: Dataset, frame: pl.DataFrame, near: pl.Series, again: pl.Series
) -> list[pl.DataFrame]:
    """Findings key_conflict (over the key's columns together) and unique (over single columns)."""
    groups = [(dataset.key, "key_conflict", near)] if dataset.key else []
    for column in dataset.columns:
        if column.unique and dataset.key != (column.name,):
            groups.append(((column.name,), "unique", twice(cells[column.name].values.to_frame())))
    found = []
    for key, rule, candidates in groups:
        rows = candidates.filter(~again.gather(candidates))
        values = pl.DataFrame([cells[part].values.gather(rows) for part in key])
        clashes = conflicts(values, rows, _places(frame[rows]))
        if clashes.height:
            texts = [shown(cells[part].raw.gather(clashes["row"]), cells[part].column).alias(part) for part in key]
            shown_key = pl.DataFrame(texts).select(pl.concat_str(pl.all(), separator="、")).to_series()
            title = "、".join(cells[part].column.title for part in key)
            found.append(findings(rule, ",".join(key), title, clashes.with_columns(found=shown_key)))
    return found


def _places(frame: pl.DataFrame) -> pl.Series:
    line = pl.col(LINE).cast(pl.String)
    return frame.select(pl.coalesce(pl.format("{}（{}）", line, pl.col(SHEET)), line)).to_series()


def _assemble(
    raw: RawTable,
    frame: pl.DataFrame,
    dataset: Dataset,
    layout: Dataset,
    name: DeliveryName,
    pseudonymiser: Pseudonymiser | None,
    cells: dict[str, Cells],
    found: list[pl.DataFrame],
    repeated: pl.DataFrame,
    again: pl.Series,
    delivery_id: str,
) -> Checked:
    schema = quarantine_schema()
    places = frame.select(pl.col(LINE).alias("line"), pl.col(SHEET).alias("sheet")).with_row_index("row")
    identity = {"dataset": dataset.id, "period": name.period, "delivery_id": delivery_id}
    stamps = [pl.lit(value).alias(key) for key, value in identity.items()]
    first_places = places.rename({"row": "first", "line": "first_line", "sheet": "first_sheet"})
    duplicates = repeated.join(places, on="row", how="left").join(first_places, on="first", how="left").sort("row")
    listed = pl.concat(found).join(repeated, on="row", how="anti") if found else None
    parts = [
        pl.DataFrame(schema=schema),
        _broken(raw, dataset).select(*stamps, pl.all()).select(list(schema)),
    ]
    failed = pl.Series(dtype=pl.UInt32)
    if listed is not None:
        failed = listed.filter(pl.col("severity") == ERROR)["row"].unique().sort()
        placed = listed.join(places, on="row", how="left").sort("row", maintain_order=True)
        parts.append(placed.select(*stamps, *list(schema)[3:]))
    broken_lines = parts[1].select("line", "sheet")
    quarantined = pl.concat([places[failed].select("line", "sheet"), broken_lines])
    good = ~put(again, failed, True)
    parts.append(total_findings(raw, layout, frame, good, again).select(*stamps, pl.all()).select(list(schema)))
    checked = Checked(
        accepted=_accepted(cells, dataset, pseudonymiser, frame, good),
        findings=pl.concat(parts).sort(["sheet", "line"], maintain_order=True, nulls_last=False),
        quarantined_lines=quarantined,
        duplicates=duplicates.select("line", "sheet", "first_line", "first_sheet"),
        records=raw.records,
        source=frame,
    )
    total = checked.accepted_count + checked.quarantined_count + checked.duplicate_count
    if total != raw.records:
        raise ConsistencyError(
            f"{dataset.id} {name.period}: {raw.records} records were read, but {checked.accepted_count} accepted, "
            f"{checked.quarantined_count} quarantined and {checked.duplicate_count} duplicate"
        )
    return checked


def _broken(raw: RawTable, dataset: Dataset) -> pl.DataFrame:
    """Records that could not be split into fields, as findings."""
    names = {header: column for column, header in raw.headers.items()}
    rows = [
        (
            item.line,
            item.sheet,
            names.get(item.column or ""),
            item.column,
            item.rule,
            None,
            item.reason,
            item.remedy,
            ERROR,
        )
        for item in raw.broken
    ]
    return pl.DataFrame(rows, schema=dict(list(quarantine_schema().items())[3:]), orient="row")


def _accepted(
    cells: dict[str, Cells],
    dataset: Dataset,
    pseudonymiser: Pseudonymiser | None,
    frame: pl.DataFrame,
    good: pl.Series,
) -> pl.DataFrame:
    def silver(column: Column) -> pl.Series:
        values = cells[column.name].values.filter(good)
        if column.privacy is not Privacy.PSEUDONYM:
            return values
        if pseudonymiser is None:
            raise SecretError(f"{dataset.id}.{column.name}: needs the pseudonym key")
        return pseudonymiser.tokens(values, column.pii)

    columns = [silver(column).alias(column.name) for column in dataset.silver_columns]
    accepted = pl.DataFrame([*columns, frame[LINE].filter(good), frame[SHEET].filter(good)])
    return to_cgcs2000(accepted, dataset)
