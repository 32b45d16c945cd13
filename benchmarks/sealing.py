"""What encryption at rest costs: 100 MB into landing and out of it, a million rows into bronze and out of it.

    python benchmarks/sealing.py [rows, default 1000000]

Plain and encrypted in one run, the best of three each; docs/keys.md states the ratios.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import polars as pl

from agrilake.contract.settings import Limits
from agrilake.intake.keys import KeyRing, create_key
from agrilake.intake.landing import landed_files, opened, store
from agrilake.lake.bronze import bronze_rows, write_bronze
from agrilake.paths import Home

FILE_BYTES = 100_000_000
TURNS = 3


def best(act: Callable[[], object]) -> float:
    """Seconds of the fastest of some turns."""
    found = []
    for _ in range(TURNS):
        start = time.perf_counter()
        act()
        found.append(time.perf_counter() - start)
    return min(found)


def records(rows: int) -> pl.DataFrame:
    """Text as a register of households brings it, with line and delivery."""
    number = pl.int_range(0, rows, dtype=pl.Int64, eager=True)
    text = number.cast(pl.String)
    made = {
        "household_id": "H5001" + text.str.zfill(8),
        "division_code": "50011212" + (number % 9000).cast(pl.String).str.zfill(4),
        "head_name": "欧阳" + (number * 7919 % 5000).cast(pl.String),
        "head_id_no": "500112" + (number * 104729 % 10**12).cast(pl.String).str.zfill(12),
        "phone": "138" + (number * 15485863 % 10**8).cast(pl.String).str.zfill(8),
        "members": (number % 7).cast(pl.String),
        "poverty_alleviated": pl.select(
            pl.when(number % 5 == 0).then(pl.lit("是")).otherwise(pl.lit("否"))
        ).to_series(),
        "_line": number,
    }
    return pl.DataFrame(made).with_columns(pl.lit(None, pl.String).alias("_sheet"), pl.lit("d").alias("_delivery_id"))


def main(rows: int) -> None:
    """Measure and print seconds and ratios."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        root, frame = Path(folder), records(rows)
        home = Home.at(root / "home").prepare()
        ring = KeyRing.from_file(create_key(root / "keys" / "own.key"), home)
        numbers, source = count(), root / "dropped"
        frame.write_csv(source)
        part = source.read_bytes()
        seconds: dict[str, dict[str, float]] = {}
        for kind, keys in (("plain", None), ("encrypted", ring)):
            landed: list[str] = []

            def drop(keys: KeyRing | None = keys, landed: list[str] = landed) -> None:
                for old in landed:
                    landed_files(home, old)[0].unlink()
                landed[:] = [store(source, home, Limits(), keys).sha256]

            def read(landed: list[str] = landed) -> None:
                with opened(home, landed[0], lambda: ring) as path, path.open("rb") as file:
                    while file.read(1 << 20):
                        pass

            body = (part * (FILE_BYTES // len(part) + 1))[: FILE_BYTES - 8]
            source.write_bytes(b"%08d" % next(numbers) + body)
            name = f"bench_{kind}"
            seconds[kind] = {
                "landing: take 100 MB": best(drop),
                "landing: read 100 MB": best(read),
                f"bronze: write {rows} rows": best(lambda n=name, k=keys: write_bronze(home, n, frame, "d", k)),
                f"bronze: read {rows} rows": best(lambda n=name: bronze_rows(home, n, "d", ring)),
            }
        for what, plain in seconds["plain"].items():
            sealed = seconds["encrypted"][what]
            print(f"{what:<32} plain {plain:6.2f} s   encrypted {sealed:6.2f} s   ratio {sealed / plain:5.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
