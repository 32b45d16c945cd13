"""Corrected parcels merged into a table of a DuckDB file.

python merge_duckdb.py FILE CORRECTIONS
"""

import sys

import duckdb


def main(file: str, corrections: str) -> None:
    with duckdb.connect(file) as database:
        database.execute(
            """
            CREATE TABLE merged AS
            FROM read_parquet($corrections)
            UNION ALL BY NAME
            FROM parcels ANTI JOIN read_parquet($corrections) USING (waybill_no, event)
            """,
            {"corrections": corrections},
        )
        database.execute("DROP TABLE parcels")
        database.execute("ALTER TABLE merged RENAME TO parcels")


if __name__ == "__main__":
    main(*sys.argv[1:])
