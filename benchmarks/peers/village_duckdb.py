"""One village's month out of a Delta table, by DuckDB's delta_scan: python village_duckdb.py TABLE MONTH VILLAGE."""

import sys
import tempfile
from pathlib import Path

import duckdb
import duckdb_extension_delta


def main(table: str, month: str, village: str) -> None:
    (extension,) = Path(duckdb_extension_delta.__file__).parent.rglob("*.duckdb_extension")
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"extension_directory": folder}) as database:
        database.execute(f"INSTALL '{extension}'")
        database.execute("LOAD delta")
        query = "SELECT event, count(*) FROM delta_scan(?) WHERE period = ? AND division_code = ? GROUP BY 1"
        print(database.execute(query, [table, month, village]).fetchall())


if __name__ == "__main__":
    main(*sys.argv[1:])
