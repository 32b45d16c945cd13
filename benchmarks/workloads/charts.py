"""Every chart's query over a publication, as a program that is measured.

    python -m benchmarks.workloads.charts HOME AT_ONCE TURNS

Each turn runs the queries of all charts of the leader's dashboards, AT_ONCE side by side, on a connection that stays
open; the last turn counts. Prints {charts, slowest, slowest_chart, median} as JSON, in seconds.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import yaml

from agrilake.paths import Home, project_root
from agrilake.publish.model import LEADER
from agrilake.publish.opening import open_publication

DATABASE = "agrilake"
"""Folder of the datasets that stand on the leader's file."""


def queries() -> dict[str, str]:
    """The SQL of each chart: its dataset, filters, dimensions, metrics and limit, as Superset would ask."""
    root = project_root() / "superset_exports"
    datasets = {}
    for path in sorted((root / "datasets" / DATABASE).glob("*.yaml")):
        dataset = yaml.safe_load(path.read_text(encoding="utf-8"))
        datasets[dataset["uuid"]] = dataset
    charts = (
        (path.stem, yaml.safe_load(path.read_text(encoding="utf-8"))) for path in (root / "charts").glob("*.yaml")
    )
    return {
        name: sql(chart["params"], datasets[chart["dataset_uuid"]])
        for name, chart in sorted(charts)
        if chart["dataset_uuid"] in datasets
    }


def sql(params: Mapping[str, Any], dataset: Mapping[str, Any]) -> str:
    """One chart's query."""
    columns = {item["column_name"]: item["expression"] for item in dataset["columns"]}
    metrics = {item["metric_name"]: item["expression"] for item in dataset["metrics"]}
    source = f"({dataset['sql']})" if dataset["sql"] else f'"{dataset["table_name"]}"'
    if params.get("query_mode") == "raw":
        chosen, measured = list(params["all_columns"]), []
    else:
        axis, one = params.get("x_axis"), params.get("metric")
        chosen = [*([axis] if axis else []), *params.get("groupby", [])]
        measured = [*params.get("metrics", []), *([one] if one else [])]
    shown = [f"{columns[name] or _quoted(name)} AS {_quoted(name)}" for name in chosen]
    shown += [f"{metrics[name]} AS {_quoted(name)}" for name in measured]
    where = [_condition(columns, item) for item in params.get("adhoc_filters", [])]
    return " ".join(
        (
            f"SELECT {', '.join(shown)} FROM {source} AS source",
            *(["WHERE " + " AND ".join(where)] if where else []),
            *(["GROUP BY " + ", ".join(str(at + 1) for at in range(len(chosen)))] if measured and chosen else []),
            *_ordered(params),
            f"LIMIT {params.get('row_limit', 10_000)}",
        )
    )


def _ordered(params: Mapping[str, Any]) -> Iterator[str]:
    order = [json.loads(item) for item in params.get("order_by_cols", [])]
    if order and params.get("query_mode") == "raw":
        parts = (f"{_quoted(name)} {'ASC' if ascending else 'DESC'}" for name, ascending in order)
        yield "ORDER BY " + ", ".join(parts)


def _condition(columns: Mapping[str, str | None], item: Mapping[str, Any]) -> str:
    subject, value = item["subject"], item["comparator"]
    column = columns[subject] or _quoted(subject)
    if item["operator"] == "IN":
        return f"{column} IN ({', '.join(map(_literal, value))})"
    return f"{column} = {_literal(value)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def ask_all(home: Home, at_once: int, turns: int) -> dict[str, Any]:
    """Seconds of each chart in the last turn."""
    asked, found = queries(), dict[str, float]()
    with open_publication(home, LEADER) as connection, ThreadPoolExecutor(at_once) as pool:
        for turn in range(turns):
            names = sorted(asked)
            random.Random(turn).shuffle(names)  # noqa: S311 (an order, no secret)
            found = dict(zip(names, pool.map(lambda name: _seconds(connection, asked[name]), names), strict=True))
    slowest = max(found, key=lambda name: found[name])
    return {
        "charts": len(found),
        "slowest": round(found[slowest], 3),
        "slowest_chart": slowest,
        "median": round(median(found.values()), 3),
    }


def _seconds(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    start = time.perf_counter()
    connection.cursor().execute(query).fetchall()
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(ask_all(Home.at(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))))
