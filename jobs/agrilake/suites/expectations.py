"""Great Expectations' side of the named checks: two expectation types whose metric is `judge`.

Importing this module registers them, so that a suite document may name them. The pandas engine runs them in this
process, the Spark engine in its Python workers; both call the same function.
"""

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine, SparkDFExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation, MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnMapMetricProvider,
    MulticolumnMapMetricProvider,
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)

from agrilake.suites.judge import Surroundings, judge_pandas, present

VALUE = "value"


def _spark_condition(columns: list[Any], surroundings: Surroundings, rule: dict[str, Any], subject: str) -> Any:
    from pyspark.sql import functions as F  # noqa: N812 - pyspark's own habit
    from pyspark.sql.types import BooleanType

    def judged(frame: Any) -> Any:
        return judge_pandas(frame, surroundings, rule, subject)

    # Spark reads the annotations as types, while this module keeps its own as text.
    judged.__annotations__ = {"frame": pd.DataFrame, "return": pd.Series}
    return F.pandas_udf(judged, BooleanType(), functionType=F.PandasUDFType.SCALAR)(F.struct(*columns))


class ColumnValuesPassCheck(ColumnMapMetricProvider):
    """Metric: the values that fail a named check on one column."""

    condition_metric_name = "column_values.pass_check"
    condition_value_keys = ("check", "lookup", "regex")

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **kwargs: Any) -> pd.Series:  # noqa: N805
        return judge_pandas(column.rename(VALUE).to_frame(), present(), kwargs, VALUE)

    @column_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column: Any, **kwargs: Any) -> Any:  # noqa: N805
        rule = {name: kwargs.get(name) for name in ("check", "lookup", "regex")}
        return _spark_condition([column.alias(VALUE)], present(), rule, VALUE)


class RowsPassCheck(MulticolumnMapMetricProvider):
    """Metric: the rows that fail a named check on several columns."""

    condition_metric_name = "multicolumn_values.pass_check"
    condition_value_keys = ("check", "subject", "arguments")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **kwargs: Any) -> pd.Series:  # noqa: N805
        return judge_pandas(column_list, present(), kwargs, kwargs["subject"])

    @multicolumn_condition_partial(engine=SparkDFExecutionEngine)
    def _spark(cls, column_list: Any, **kwargs: Any) -> Any:  # noqa: N805
        from pyspark.sql import functions as F  # noqa: N812

        rule = {name: kwargs.get(name) for name in ("check", "arguments")}
        columns = [F.col(name) for name in column_list.columns]
        return _spark_condition(columns, present(), rule, kwargs["subject"])


class ExpectColumnValuesToPassCheck(ColumnMapExpectation):
    """Values of a column pass the named check.

    `lookup` names the list of known codes that it compares with, `regex` the pattern that they match.
    """

    check: str
    lookup: str | None = None
    regex: str | None = None

    map_metric: ClassVar[str] = "column_values.pass_check"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "check", "lookup", "regex")


class ExpectRowsToPassCheck(MulticolumnMapExpectation):
    """Rows pass the named check on `subject` and the columns that its `arguments` name."""

    check: str
    subject: str = ""
    arguments: dict[str, Any] = {}  # noqa: RUF012 - a pydantic field, copied for each instance

    map_metric: ClassVar[str] = "multicolumn_values.pass_check"
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "check", "subject", "arguments")
