"""Running a suite on a stored table with Great Expectations, and deciding what may follow."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from agrilake.contract.model import Dataset
from agrilake.contract.settings import Settings
from agrilake.errors import ConsistencyError
from agrilake.paths import Home
from agrilake.suites.build import MINIMUM_ROWS, build_suite, layer_of
from agrilake.suites.docs import write_quality_docs
from agrilake.suites.judge import surrounded_by
from agrilake.suites.model import ExpectationOutcome, SuiteResult, decide
from agrilake.suites.stored import (
    delta_version,
    previous_rows,
    read_pandas,
    row_count,
    surroundings_for,
)

if TYPE_CHECKING:
    from great_expectations.data_context import EphemeralDataContext
    from pyspark.sql.connect.session import SparkSession

LARGE_TABLE_ROWS = 2_000_000
ROW_DROP = "gx_row_drop_warn"
# Counts and nothing else: no sample of values, no row positions, no query that would find them.
RESULT_FORMAT = {"result_format": "BASIC", "exclude_unexpected_values": True, "partial_unexpected_count": 0}
ROW_COUNT = "expect_table_row_count_to_be_between"


def validate(
    home: Home,
    dataset: Dataset,
    settings: Settings,
    version: int | None = None,
    *,
    spark: Callable[[], SparkSession] | None = None,
    large_rows: int = LARGE_TABLE_ROWS,
) -> SuiteResult:
    """Run the contract's suite on its table (silver, or gold for a gold contract) at a Delta version.

    Up to `large_rows` rows run on the pandas engine in this process, more on the Spark engine of the session that
    `spark` gives (without one, pandas takes those too). The table's quality page is renewed. Raises UsageError where
    the table does not exist.
    """
    started = time.monotonic()
    path = home.table(layer_of(dataset), dataset.id)
    version = delta_version(path, version)
    rows = row_count(path, version)
    before = previous_rows(path, version)
    suite = build_suite(dataset)
    surroundings, absent = surroundings_for(home, suite, settings)
    skipped = [item for item in suite["expectations"] if item["kwargs"].get("lookup") in absent]
    chosen = {**suite, "expectations": [item for item in suite["expectations"] if item not in skipped]}
    engine = "spark" if spark is not None and rows > large_rows else "pandas"
    parameters = {MINIMUM_ROWS: 0 if before is None else ceil(before * (1 - settings.threshold(ROW_DROP)))}
    with surrounded_by(surroundings), _quiet():
        frame: Any
        if engine == "spark" and spark is not None:
            frame = spark().read.format("delta").option("versionAsOf", version).load(str(path))
        else:
            frame = read_pandas(path, version, settings.timezone)
        results = tuple(_run(engine, frame, chosen, parameters))
    result = SuiteResult(
        dataset=dataset.id,
        title=dataset.title,
        version=version,
        rows=rows,
        engine=engine,
        decision=decide(results),
        results=results,
        seconds=round(time.monotonic() - started, 3),
        skipped=tuple(item["description"] for item in skipped),
    )
    write_quality_docs(home, [result])
    return result


def _run(engine: str, frame: Any, suite: Mapping[str, Any], parameters: dict[str, Any]) -> list[ExpectationOutcome]:
    """Great Expectations' results in the suite's order, reduced to counts."""
    from great_expectations import ExpectationSuite

    from agrilake.suites import expectations as _registered  # noqa: F401 - registers the named checks

    declared = [{**item, "id": str(uuid4())} for item in suite["expectations"]]
    built = ExpectationSuite(name=suite["name"], expectations=declared, meta=dict(suite["meta"]))
    if len(built.expectations) != len(declared):
        raise ConsistencyError(f"{suite['name']}: Great Expectations does not take one of the expectations")
    batch = _definition(engine).get_batch({"dataframe": frame})
    result = batch.validate(built, result_format=RESULT_FORMAT, expectation_parameters=parameters)
    found = {item["expectation_config"]["id"]: item for item in result.to_json_dict()["results"]}
    return [_outcome(item, found[item["id"]]) for item in declared]


def _outcome(declared: Mapping[str, Any], found: Mapping[str, Any]) -> ExpectationOutcome:
    """What was declared, with the counts found; nothing else of the result is taken over, as it may quote values."""
    kwargs, result = declared["kwargs"], found["result"]
    rows = result.get("observed_value") if declared["type"] == ROW_COUNT else result.get("element_count")
    return ExpectationOutcome(
        expectation=declared["type"],
        column=kwargs.get("column") or kwargs.get("subject") or None,
        title=declared["meta"]["column_title"],
        severity=declared["meta"]["severity"],
        success=bool(found["success"]),
        # of no row at all Spark counts nothing, pandas none
        unexpected_count=0 if result.get("element_count") == 0 else result.get("unexpected_count"),
        element_count=rows,
        description=declared["description"],
        broken=_raised(found.get("exception_info") or {}),
    )


def _raised(info: Mapping[str, Any]) -> bool:
    """Whether the check itself failed to run; Great Expectations gives one record, or one a metric."""
    records = [info] if "raised_exception" in info else list(info.values())
    return any(record.get("raised_exception") for record in records)


@cache
def _context() -> EphemeralDataContext:
    """One context for the process: nothing on disk, no progress bars, nothing sent anywhere."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
    )
    return gx.get_context(mode="ephemeral", project_config=config)


@cache
def _definition(engine: str) -> Any:
    sources = _context().data_sources
    source = sources.add_spark(engine) if engine == "spark" else sources.add_pandas(engine)
    return source.add_dataframe_asset("table").add_batch_definition_whole_dataframe("whole")


@contextmanager
def _quiet() -> Iterator[None]:
    """Great Expectations logs tracebacks of failing metrics, whose text may quote values: not in our logs."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
