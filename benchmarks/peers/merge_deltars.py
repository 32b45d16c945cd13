"""Corrected parcels merged into a Delta table by delta-rs.

python merge_deltars.py TABLE CORRECTIONS
"""

import sys

import pyarrow.parquet as pq
from deltalake import DeltaTable


def main(table: str, corrections: str) -> None:
    (
        DeltaTable(table)
        .merge(
            pq.read_table(corrections),
            "t.waybill_no = s.waybill_no AND t.event = s.event",
            source_alias="s",
            target_alias="t",
        )
        .when_matched_update_all()
        .when_not_matched_insert_all()
        .execute()
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
