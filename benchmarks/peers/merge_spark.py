"""Corrected parcels merged into a Delta table by Spark.

    python merge_spark.py TABLE CORRECTIONS JARS [vectors]

JARS is the folder of Delta's jars; with `vectors` rows are marked as deleted instead of files rewritten.
"""

import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(table: str, corrections: str, jars: str, vectors: str = "") -> None:
    paths = sorted(map(str, Path(jars).glob("*.jar")))
    spark = (
        SparkSession.builder.appName("correction")
        .master("local[*]")
        .config("spark.driver.memory", "4g")
        .config("spark.jars", ",".join(paths))
        .config("spark.driver.extraClassPath", ":".join(paths))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.session.timeZone", "Asia/Shanghai")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    if vectors:
        spark.sql(f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')")
    spark.read.parquet(corrections).createOrReplaceTempView("corrections")
    spark.sql(
        f"MERGE INTO delta.`{table}` t USING corrections s ON t.waybill_no = s.waybill_no AND t.event = s.event "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
