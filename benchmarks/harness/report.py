"""What a run found, as JSON for programs, a Markdown table for people, and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness.measure import Measured

FORMAT = 1
HEAD = ("competitor", "seconds", "ratio", "processor s", "peak MB", "read MB", "written MB", "stored MB")


@dataclass(frozen=True)
class Entry:
    """A competitor's runs of one piece of work. `detail` is what the work itself counted (commits, rows, steps)."""

    work: str
    competitor: str
    runs: tuple[Measured, ...]
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """The median of the runs."""
        return median(run.seconds for run in self.runs)

    @property
    def peak(self) -> int:
        """The highest resident memory of all runs, bytes."""
        return max(run.peak_rss for run in self.runs)


@dataclass(frozen=True)
class Finding:
    """One workload: its entries by piece of work, its size, and the hashes on which all competitors agree."""

    number: int
    title: str
    size: dict[str, Any]
    entries: tuple[Entry, ...]
    same: dict[str, str] = field(default_factory=dict)

    @property
    def works(self) -> list[str]:
        """The pieces of work in order."""
        return list(dict.fromkeys(entry.work for entry in self.entries))


@dataclass(frozen=True)
class Report:
    """A whole run of the benchmark."""

    taken: str
    seed: int
    machine: dict[str, Any]
    versions: dict[str, str]
    findings: tuple[Finding, ...]

    def write(self, folder: Path) -> list[Path]:
        """bench.json, bench.md and bench.svg in the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"bench.{kind}" for kind in ("json", "md", "svg")]
        text = json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1)
        paths[0].write_text(text + "\n", encoding="utf-8")
        paths[1].write_text(self.markdown(paths[2].name), encoding="utf-8")
        plot(self, paths[2])
        return paths

    def markdown(self, picture: str = "") -> str:
        """The tables, a workload each; the ratio is to the first competitor of the same work in the same run."""
        parts = [_head(self)]
        for finding in self.findings:
            size = ", ".join(f"{name} {value}" for name, value in finding.size.items())
            parts.append(f"### {finding.number}. {finding.title}\n\n{size}")
            for work in finding.works:
                parts.append((f"**{work}**\n\n" if len(finding.works) > 1 else "") + table(finding, work))
            if finding.same:
                hashes = ", ".join(f"{name} `{value[:12]}`" for name, value in finding.same.items())
                parts.append(f"All competitors' results are equal (SHA-256 of the sorted rows): {hashes}.")
        if picture:
            parts.append(f"![Seconds and peak memory]({picture})")
        return "\n\n".join(parts) + "\n"


def table(finding: Finding, work: str) -> str:
    """One piece of work as a Markdown table."""
    chosen = [entry for entry in finding.entries if entry.work == work]
    lines = [HEAD, ("---",) * len(HEAD), *(_row(entry, chosen[0]) for entry in chosen)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _row(entry: Entry, first: Entry) -> tuple[str, ...]:
    last = entry.runs[-1]
    amounts = (entry.peak, last.read, last.written, last.stored)
    counted = (f"{amount / 1e6:.0f}" for amount in amounts)
    ratio = f"{entry.seconds / first.seconds:.2f}"
    return (entry.competitor, f"{entry.seconds:.2f}", ratio, f"{last.cpu_seconds:.1f}", *counted)


def _head(report: Report) -> str:
    machine, packages = report.machine, report.versions
    engines = ", ".join(f"{name} {value}" for name, value in packages.items())
    memory = machine["memory_bytes"] / 2**30
    return (
        f"{machine['processor']}, {machine['cores']} cores, {memory:.0f} GiB, {machine['system']}, "
        f"{machine['file_system']}; load before the first run {machine['load_before']}; seed {report.seed}; "
        f"{report.taken}.\n\n{engines}."
    )


def plot(report: Report, path: Path) -> None:
    """Bars of seconds and of peak memory, a row of two axes for each piece of work, as SVG."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    works = [(finding, work) for finding in report.findings for work in finding.works]
    figure = Figure(figsize=(11, 0.8 + 1.8 * max(1, len(works))), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots(max(1, len(works)), 2, squeeze=False)
    for (finding, work), (left, right) in zip(works, axes, strict=False):
        chosen = [entry for entry in finding.entries if entry.work == work][::-1]
        names = [entry.competitor for entry in chosen]
        _bars(left, names, [entry.seconds for entry in chosen], f"{finding.number}. {work}: seconds")
        _bars(right, names, [entry.peak / 1e6 for entry in chosen], "peak memory, MB")
    figure.savefig(path, metadata={"Date": None})


def _bars(axis: Any, names: Sequence[str], values: Sequence[float], title: str) -> None:
    axis.barh(names, values, color="#3b7a57")
    axis.set_title(title, fontsize=9, loc="left")
    axis.tick_params(labelsize=8)
    for at, value in enumerate(values):
        axis.annotate(f"{value:.3g}", (value, at), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8)
    axis.margins(x=0.15)
