"""A contract's expectation suite, as the JSON document that Great Expectations reads.

Made as plain data, without importing Great Expectations, so that `agrilake generate` and the DAG files stay quick.
Keys, required columns, codes and divisions stop the tables downstream; ranges and spellings warn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agrilake.checks import CHECKS
from agrilake.contract.model import Check, Column, Dataset, Load, LogicalType, Privacy
from agrilake.errors import ContractError
from agrilake.suites.model import STOP, WARN

PSEUDONYM_SHAPE = "^k[0-9]+:[0-9a-f]{32}$"
LINEAGE = (("_delivery_id", "来源批次"), ("_line", "来源行号"), ("_period", "报送期"))
PERIOD = "_period"
MINIMUM_ROWS = "minimum_rows"
COLUMN_CHECK = "expect_column_values_to_pass_check"
ROW_CHECK = "expect_rows_to_pass_check"
LEVELS = {"county": "区县", "township": "镇街", "village": "村（社区）", "any": ""}
GX_SEVERITY = {STOP: "critical", WARN: "warning"}
Expectation = dict[str, Any]


def build_suite(dataset: Dataset) -> dict[str, Any]:
    """The suite of a department dataset's silver table, or of a gold table (a contract with department gold).

    Returns {name, expectations: [{type, kwargs, meta, severity, description}], meta}; raises ContractError for a
    named check that does not exist or lacks arguments.
    """
    expectations = [*_table(dataset), *_keys(dataset)]
    for column in dataset.silver_columns:
        expectations += _column(dataset, column)
    expectations += _row_checks(dataset)
    meta = {"dataset": dataset.id, "title": dataset.title, "contract_version": dataset.version}
    return {"name": dataset.id, "expectations": expectations, "meta": meta}


def layer_of(dataset: Dataset) -> str:
    """The layer of the table that the contract describes: silver, or gold."""
    return "gold" if dataset.is_gold else "silver"


def expected_columns(dataset: Dataset) -> list[str]:
    """Stored columns in their order, those that lead back to the delivery last."""
    names = [column.name for column in dataset.silver_columns]
    return names if layer_of(dataset) == "gold" else [*names, "_delivery_id", "_line", "_sheet", PERIOD]


def _expectation(kind: str, severity: str, description: str, title: str = "", **kwargs: object) -> Expectation:
    meta = {"severity": severity, "column_title": title}
    return {
        "type": kind,
        "kwargs": kwargs,
        "meta": meta,
        "severity": GX_SEVERITY[severity],
        "description": description,
    }


def _table(dataset: Dataset) -> Iterator[Expectation]:
    yield _expectation(
        "expect_table_columns_to_match_ordered_list",
        STOP,
        "列齐全，名称和次序与契约一致",
        column_list=expected_columns(dataset),
    )
    for check in dataset.checks:
        if check.name == "rowCount":
            yield _row_count(check)
    yield _expectation(
        "expect_table_row_count_to_be_between",
        WARN,
        "行数没有比上一版大幅减少",
        min_value={"$PARAMETER": MINIMUM_ROWS},
    )


def _row_count(check: Check) -> Expectation:
    bounds = {name: int(float(str(value))) for name, value in check.arguments.items()}
    lower, upper = bounds.get("mustBeGreaterOrEqualTo"), bounds.get("mustBeLessOrEqualTo")
    if "mustBeGreaterThan" in bounds:
        lower = bounds["mustBeGreaterThan"] + 1
    if "mustBeLessThan" in bounds:
        upper = bounds["mustBeLessThan"] - 1
    if "mustBe" in bounds:
        lower = upper = bounds["mustBe"]
    return _expectation(
        "expect_table_row_count_to_be_between",
        _suite_severity(check.severity),
        check.description or f"行数{_between(lower, upper)}",
        min_value=lower,
        max_value=upper,
    )


def _keys(dataset: Dataset) -> Iterator[Expectation]:
    key = [column for column in dataset.silver_columns if column.primary_key]
    groups = [(key, "主键")] if key else []
    groups += [([column], column.title) for column in dataset.silver_columns if column.unique]
    for columns, words in groups:
        titles = "、".join(f"“{column.title}”" for column in columns)
        names = [column.name for column in columns]
        if dataset.load is Load.SNAPSHOT and layer_of(dataset) == "silver":
            names.append(PERIOD)  # a snapshot table holds one state a period, so a key comes once in each
        description = f"主键（{titles}）不重复" if words == "主键" else f"{titles}不重复"
        if len(names) == 1:
            yield _expectation(
                "expect_column_values_to_be_unique", STOP, description, columns[0].title, column=names[0]
            )
        else:
            yield _expectation(
                "expect_compound_columns_to_be_unique",
                STOP,
                description,
                column_list=names,
                ignore_row_if="any_value_is_missing",
            )
    if layer_of(dataset) == "silver":
        for name, title in LINEAGE:
            yield _expectation("expect_column_values_to_not_be_null", STOP, f"每行都有{title}", title, column=name)


def _column(dataset: Dataset, column: Column) -> Iterator[Expectation]:
    title = f"“{column.title}”"
    if column.required:
        yield _filled(column, title)
    if column.privacy is Privacy.PSEUDONYM:
        # The values are tokens by now: what the contract says of the number itself was checked at the intake.
        yield _of_column(
            column,
            COLUMN_CHECK,
            STOP,
            f"{title}只有代号，没有原值",
            check="matches",
            regex=PSEUDONYM_SHAPE,
        )
        return
    if column.division_level:
        yield _of_column(
            column,
            COLUMN_CHECK,
            STOP,
            f"{title}是区划表里有的{LEVELS[column.division_level]}代码",
            check="division_known",
            lookup=f"division:{column.division_level}",
        )
    elif column.reference:
        target = column.reference
        yield _of_column(
            column,
            COLUMN_CHECK,
            WARN,
            f"{title}在 {target.dataset} 中找得到",
            check="listed",
            lookup=f"column:{target.dataset}.{target.column}",
        )
    yield from _shape(column, title)
    for check in column.checks:
        yield from _named(dataset, check, column)


def _filled(column: Column, title: str) -> Expectation:
    if column.required_since is None:
        return _of_column(column, "expect_column_values_to_not_be_null", STOP, f"{title}不为空")
    since = {"type": "comparison", "column": {"name": PERIOD}, "operator": ">=", "parameter": column.required_since}
    description = f"{title}自 {column.required_since} 期起不为空"
    return _of_column(column, "expect_column_values_to_not_be_null", STOP, description, row_condition=since)


def _shape(column: Column, title: str) -> Iterator[Expectation]:
    if column.enum:
        allowed = "、".join(value.label for value in column.enum)
        values = [int(item.value) if column.type is LogicalType.INTEGER else item.value for item in column.enum]
        yield _of_column(column, "expect_column_values_to_be_in_set", STOP, f"{title}只能是{allowed}", value_set=values)
    if column.minimum is not None or column.maximum is not None:
        unit = f"（{column.unit}）" if column.unit else ""
        yield _of_column(
            column,
            "expect_column_values_to_be_between",
            WARN,
            f"{title}{_between(column.minimum, column.maximum)}{unit}",
            min_value=column.minimum,
            max_value=column.maximum,
        )
    if column.min_length is not None or column.max_length is not None:
        yield _of_column(
            column,
            "expect_column_value_lengths_to_be_between",
            WARN,
            f"{title}字数{_between(column.min_length, column.max_length)}",
            min_value=column.min_length,
            max_value=column.max_length,
        )
    if column.pattern is not None:
        yield _of_column(
            column,
            COLUMN_CHECK,
            WARN,
            f"{title}的写法合乎规定",
            check="matches",
            regex=f"^(?:{column.pattern})$",
        )


def _of_column(column: Column, kind: str, severity: str, description: str, **kwargs: object) -> Expectation:
    return _expectation(kind, severity, description, column.title, column=column.name, **kwargs)


def _row_checks(dataset: Dataset) -> Iterator[Expectation]:
    for check in dataset.checks:
        if check.name in CHECKS:
            yield from _named(dataset, check, None)
        elif check.name != "rowCount":
            raise ContractError(str(dataset.path), "quality", f"unknown check {check.name!r}", ", ".join(CHECKS))


def _named(dataset: Dataset, check: Check, column: Column | None) -> Iterator[Expectation]:
    """The expectation that runs a named check; none where a column that it needs is dropped or a token by now."""
    names = _named_columns(dataset, check, column)
    columns = [dataset.column(name) for name in names]
    if any(item.privacy is not Privacy.OPEN for item in columns):
        return
    titles = "、".join(f"“{item.title}”" for item in columns)
    description = check.description or f"{titles}：{CHECKS[check.name].title}"
    severity = _suite_severity(check.severity)
    if check.name == "not_future" and layer_of(dataset) == "silver":
        names.append(PERIOD)  # the day it may not lie after is its own delivery's
    kwargs: dict[str, object]
    if len(names) == 1:
        kind, kwargs = COLUMN_CHECK, {"column": names[0]}
    else:
        arguments, subject = dict(check.arguments), column.name if column else ""
        kind, kwargs = ROW_CHECK, {"column_list": names, "subject": subject, "arguments": arguments}
    title = column.title if column else titles
    yield _expectation(kind, severity, description, title, check=check.name, **kwargs)


def _named_columns(dataset: Dataset, check: Check, column: Column | None) -> list[str]:
    """The check's own column and those that it compares with; ContractError for an unknown check or argument."""
    place = column.name if column else "quality"
    named = CHECKS.get(check.name)
    if named is None:
        raise ContractError(str(dataset.path), place, f"unknown check {check.name!r}", ", ".join(CHECKS))
    problem = named.argument_problem(check.arguments)
    if problem:
        raise ContractError(str(dataset.path), place, problem)
    names = [column.name] if column else []
    names += named.signature.columns(check.arguments)
    known = {item.name for item in dataset.columns}
    for name in names:
        if name not in known:
            raise ContractError(str(dataset.path), place, f"check {check.name} names no column {name!r}")
    return list(dict.fromkeys(names))


def _suite_severity(severity: str) -> str:
    """A row check's error stops, as its rows should have been quarantined; whatever is declared softer warns."""
    return STOP if severity in {STOP, "error"} else WARN


def _between(lower: float | None, upper: float | None) -> str:
    if lower is not None and upper is not None:
        return f"为 {lower:g}" if lower == upper else f"在 {lower:g} 到 {upper:g} 之间"
    if lower is not None:
        return f"不少于 {lower:g}"
    return f"不超过 {upper:g}" if upper is not None else "不限"
