"""One village's month out of a Delta table, by Polars: python village_polars.py TABLE MONTH VILLAGE."""

import sys

import polars as pl


def main(table: str, month: str, village: str) -> None:
    events = pl.scan_delta(table).filter(period=month, division_code=village)
    print(events.group_by("event").len("events").collect())


if __name__ == "__main__":
    main(*sys.argv[1:])
