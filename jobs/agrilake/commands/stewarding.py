"""`review` and `maintain`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from agrilake.commands.output import JsonOption, console, friendly, print_json, print_table
from agrilake.errors import AgrilakeError, UsageError

if TYPE_CHECKING:
    from agrilake.linking.steward import DoubtfulPair, StationRecord


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(review)
    app.command()(maintain)


@friendly
def review(
    pair: Annotated[
        list[str] | None, typer.Argument(help="The number of a pair on the list, or two stations (dataset:site_no).")
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="The two are one place.")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="The two are different places.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back what was decided about the two.")] = False,
    reason: Annotated[str, typer.Option(help="Why, in a few words; kept with the decision.")] = "",
    by: Annotated[str, typer.Option(help="Who decides.", envvar="AGRILAKE_STEWARD")] = "",
    decided: Annotated[bool, typer.Option("--decided", help="List the decisions instead.")] = False,
    township: Annotated[str | None, typer.Option(help="Only pairs of this township (code or name).")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many pairs to list.")] = 20,
    json_output: JsonOption = False,
) -> None:
    """Doubtful links between stations: list them, accept or refuse one. A decision holds until it is withdrawn."""
    verdicts = [accept, refuse, withdraw]
    if sum(verdicts) > 1 or (decided and any(verdicts)):
        raise UsageError("choose one of --accept, --refuse, --withdraw and --decided")
    if any(verdicts) != bool(pair):
        raise UsageError("a decision needs a pair and one of --accept, --refuse, --withdraw; the list takes neither")
    if pair:
        _decide(pair, verdicts, by, reason, json_output)
    elif decided:
        _list_decisions(json_output)
    else:
        _list_pairs(township, limit, json_output)


@friendly
def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    keep_hours: Annotated[
        int, typer.Option(min=0, help="Files that left a table stay for so long; 0 only while nothing reads or writes.")
    ] = 168,
    json_output: JsonOption = False,
) -> None:
    """Put small files together, bring large tables into order, delete what no kept version needs."""
    from agrilake.pipeline.context import Lake
    from agrilake.pipeline.upkeep import maintain as tend_all

    report = tend_all(Lake.start(), timedelta(hours=keep_hours), dry_run)
    if json_output:
        print_json(report)
    else:
        title = "Tables to be tended" if dry_run else "Tables tended"
        head = ("table", "partitions compacted", "files deleted", "MB freed", "log summed up")
        rows = [
            (each.table, each.compacted, each.deleted, f"{each.freed_bytes / 1e6:.1f}", "✓" if each.checkpoint else "")
            for each in report.tables
        ]
        print_table(title, head, rows)
        for line in report.failures:
            console.print(line)
    if report.failures:
        raise typer.Exit(AgrilakeError.exit_code)


def _decide(pair: list[str], verdicts: list[bool], by: str, reason: str, json_output: bool) -> None:
    from agrilake.linking.decisions import VERDICTS, Verdict
    from agrilake.linking.steward import decide
    from agrilake.pipeline.context import Lake

    known: tuple[Verdict, ...] = ("same", "different", "withdrawn")
    lake = Lake.open()
    decision = decide(lake.home, lake.registry, pair, known[verdicts.index(True)], by, reason)
    if json_output:
        print_json(decision)
        return
    console.print(f"已登记：{decision.left_id} 与 {decision.right_id} {VERDICTS[decision.verdict]}", highlight=False)
    console.print("下次运行（agrilake run）时生效。", highlight=False)


def _list_decisions(json_output: bool) -> None:
    from agrilake.linking.decisions import VERDICTS, decisions
    from agrilake.pipeline.context import Lake

    found = decisions(Lake.open().home)
    if json_output:
        print_json(found.to_dicts())
        return
    columns = ("序号", "站点甲", "站点乙", "结论", "登记人", "时间", "理由", "当时概率")
    rows = [
        [VERDICTS.get(value, value) if name == "verdict" else value for name, value in row.items()]
        for row in found.iter_rows(named=True)
    ]
    print_table("人工结论", columns, rows)


def _list_pairs(township: str | None, limit: int, json_output: bool) -> None:
    from agrilake.linking.steward import doubtful_pairs
    from agrilake.pipeline.context import Lake

    lake = Lake.open()
    found = doubtful_pairs(lake.home, lake.registry, township)
    if json_output:
        print_json(found[:limit])
        return
    columns = ("编号", "概率", "站点甲", "站点乙", "依据", "列入原因", "现已归并")
    print_table(f"待核对的站点，共 {len(found)} 对", columns, [_row(item) for item in found[:limit]])
    if len(found) > limit:
        console.print(f"另有 {len(found) - limit} 对，用 --limit 或 --json 查看。")


def _row(pair: DoubtfulPair) -> tuple[str, ...]:
    sides = (_side(pair.left), _side(pair.right))
    return (pair.pair_id, f"{pair.probability:.2f}", *sides, pair.evidence, pair.reason, "是" if pair.linked else "否")


def _side(station: StationRecord) -> str:
    point = "无坐标" if station.lon is None else f"{station.lon:.5f}, {station.lat:.5f}"
    place = f"{station.township or ''}{station.village or ''}"
    closed = f"停办 {station.closed_on}" if station.closed_on else ""
    parts = (f"{station.department} {station.site_id}", station.name, place, station.address or "无地址", point, closed)
    return "\n".join(part for part in parts if part)
