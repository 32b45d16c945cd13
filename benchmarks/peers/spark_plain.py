"""A month's parcels by Spark: CSV read, checks as columns, Delta tables written.

    python spark_plain.py FILE STATIONS OUT JARS

JARS is the folder of Delta's jars.
"""

import sys
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as f

EVENTS = {
    "picked_up": ("收寄", "揽收", "收件", "已收寄"),
    "departed": ("离站", "发出", "出站"),
    "arrived": ("到站", "到达", "到件", "进站"),
    "delivered": ("妥投", "签收", "已签收", "投递成功", "已妥投"),
    "returned": ("退回", "退件", "退回寄件人"),
}
DIRECTIONS = {"inbound": ("进村", "下行", "进"), "outbound": ("出村", "上行", "出")}
COLUMNS = {
    "运单号": "waybill_no",
    "事件类型": "event",
    "站点编号": "site_no",
    "操作时间": "event_at",
    "流向": "direction",
    "计费重量": "weight_kg",
    "寄件人电话": "sender_phone",
    "收件人电话": "receiver_phone",
}
REASONS = {
    "required": "必填项没有填",
    "enum": "不在可选项里",
    "pattern": "格式不对",
    "excel_spoilt": "被 Excel 改坏",
    "personal_number": "个人号码填错了列",
    "type_timestamp": "不是时间",
    "date_precision": "日期不完整",
    "not_future": "晚于报送期",
    "type_number": "不是数字",
    "minimum": "低于下限",
    "maximum": "超过上限",
    "mobile_phone": "手机号码无效",
    "masked_value": "遮盖的内容没有改回",
    "key_conflict": "编号重复但内容不同",
}
PHONE = r"^1[3-9]\d{9}$"
SPOILT = r"^[+-]?\d(\.\d+)?[Ee]\+\d+$"


def session(jars: Path) -> SparkSession:
    paths = ",".join(map(str, sorted(jars.glob("*.jar"))))
    return (
        SparkSession.builder.appName("parcels")
        .master("local[*]")
        .config("spark.driver.memory", "4g")
        .config("spark.jars", paths)
        .config("spark.driver.extraClassPath", paths.replace(",", ":"))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.session.timeZone", "Asia/Shanghai")
        .config("spark.sql.legacy.javaCharsets", "true")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )


def numbered(frame: DataFrame) -> DataFrame:
    """The rows with the file's line: the row's place in its part, after the rows of the parts before."""
    placed = frame.withColumn("_id", f.monotonically_increasing_id())
    parts = placed.groupBy(f.shiftright("_id", 33).alias("part")).count().orderBy("part").collect()
    before, starts = 2, []
    for part in parts:
        starts += [f.lit(part["part"]), f.lit(before)]
        before += part["count"]
    start = f.create_map(*starts)[f.shiftright("_id", 33)]
    return placed.withColumn("line", (start + f.col("_id").bitwiseAND(f.lit(2**33 - 1))).cast("long")).drop("_id")


def code(name: str, spellings: dict[str, tuple[str, ...]]) -> Column:
    found = f.lit(None).cast("string")
    for value, words in spellings.items():
        found = f.when(f.col(name).isin(value, *words), value).otherwise(found)
    return found


def is_person(number: Column) -> Column:
    """A resident's number with its check digit, or a mobile phone's."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    digits = [f.try_to_number(f.substring(number, at, 1), f.lit("9")) * weight for at, weight in enumerate(weights, 1)]
    check = f.substring(f.lit("10X98765432"), (reduce(Column.__add__, digits) % 11).cast("int") + 1, f.lit(1))
    resident = f.when(number.rlike(r"^[1-9]\d{16}[\dX]$"), check == f.substring(number, 18, 1)).otherwise(False)
    return number.rlike(PHONE) | resident


def first_rule(*rules: tuple[str, Column]) -> Column:
    """The first rule that a cell breaks; null for a good cell."""
    return f.coalesce(*[f.when(broken, name) for name, broken in rules])


def judged(bronze: DataFrame, period: str) -> DataFrame:
    text = bronze.select("line", *[f.trim(title).alias(name) for title, name in COLUMNS.items()])
    text = text.select("line", *[f.when(f.col(name) != "", f.col(name)).alias(name) for name in COLUMNS.values()])
    is_number = f.col("weight_kg").rlike(r"^-?\d{1,15}(\.\d{1,3})?$")
    typed = text.withColumns(
        {
            "event_code": code("event", EVENTS),
            "direction_code": code("direction", DIRECTIONS),
            "at": f.try_to_timestamp("event_at", f.lit("yyyy-MM-dd HH:mm:ss")),
            "kg": f.when(is_number, f.col("weight_kg")).cast("decimal(18,3)"),
        }
    )
    rules = {
        "event": (("required", f.isnull("event")), ("enum", f.isnull("event_code"))),
        "direction": (("required", f.isnull("direction")), ("enum", f.isnull("direction_code"))),
        "event_at": (
            ("required", f.isnull("event_at")),
            ("date_precision", f.col("event_at").rlike(r"^\d{4}-\d{2}-\d{2}$")),
            ("type_timestamp", f.isnull("at")),
            ("not_future", f.to_date("at") > f.last_day(f.lit(f"{period}-01"))),
        ),
        "weight_kg": (
            ("type_number", f.isnotnull("weight_kg") & f.isnull("kg")),
            ("minimum", f.col("kg") < 0),
            ("maximum", f.col("kg") > 1000),
        ),
    }
    for name, pattern in (("waybill_no", r"^[0-9A-Z]{10,20}$"), ("site_no", r"^YZ\d{8}$")):
        rules[name] = (
            ("required", f.isnull(name)),
            ("excel_spoilt", f.col(name).rlike(SPOILT)),
            ("pattern", ~f.col(name).rlike(pattern)),
            ("personal_number", is_person(f.col(name))),
        )
    for name in ("sender_phone", "receiver_phone"):
        digits = f.regexp_replace(name, r"[\s\-]", "")
        rules[name] = (("masked_value", f.col(name).contains("*")), ("mobile_phone", ~digits.rlike(PHONE)))
    broken = typed.withColumns({f"rule_{name}": first_rule(*one) for name, one in rules.items()})
    meaning = [
        f.coalesce("event_code", "event"),
        f.coalesce("direction_code", "direction"),
        f.coalesce(f.col("at").cast("string"), "event_at"),
        f.coalesce(f.col("kg").cast("string"), "weight_kg"),
        *map(f.col, ("waybill_no", "site_no", "sender_phone", "receiver_phone")),
    ]
    return broken.withColumn("repeated", f.row_number().over(Window.partitionBy(*meaning).orderBy("line")) > 1)


def main(file: Path, stations: Path, out: Path, jars: Path) -> None:
    spark = session(jars)
    period = file.stem.split("__")[1]
    raw = spark.read.csv(str(file), header=True, encoding="GB18030", escape='"')
    numbered(raw).write.format("delta").save(f"{out}/bronze")
    bronze = spark.read.format("delta").load(f"{out}/bronze")

    rows = judged(bronze, period).cache()
    single = rows.filter(~f.col("repeated"))
    names = list(COLUMNS.values())
    bad = single.unpivot("line", [f"rule_{name}" for name in names], "column", "rule").filter(f.isnotnull("rule"))
    same_key = Window.partitionBy("waybill_no", "event_code")
    clashing = (
        single.filter(f.isnull("rule_waybill_no") & f.isnull("rule_event"))
        .withColumn("rows", f.count("*").over(same_key))
        .filter("rows > 1")
        .select("line", f.lit("waybill_no,event").alias("column"), f.lit("key_conflict").alias("rule"))
    )
    reasons = f.create_map(*[f.lit(part) for pair in REASONS.items() for part in pair])
    quarantine = (
        bad.withColumn("column", f.expr("substring(column, 6)"))
        .unionByName(clashing)
        .withColumn("reason", reasons[f.col("rule")])
    )
    quarantine.write.format("delta").save(f"{out}/quarantine")
    quarantine = spark.read.format("delta").load(f"{out}/quarantine")
    silver = single.join(quarantine.select("line").distinct(), on="line", how="left_anti").select(
        "line",
        "waybill_no",
        f.col("event_code").alias("event"),
        "site_no",
        f.col("at").alias("event_at"),
        f.col("direction_code").alias("direction"),
        f.col("kg").alias("weight_kg"),
    )
    silver.write.format("delta").save(f"{out}/silver")
    silver = spark.read.format("delta").load(f"{out}/silver")
    wrong = quarantine.select("line").distinct().count()
    if silver.count() + wrong + rows.filter("repeated").count() != bronze.count():
        raise SystemExit("the counts do not add up")
    quarantine.orderBy("line").toPandas().to_csv(out / "receipt.csv", index=False, encoding="utf-8-sig")

    places = spark.read.csv(str(stations), header=True)
    counted = (
        silver.filter("direction = 'inbound' AND event = 'delivered'")
        .join(f.broadcast(places), on="site_no")
        .groupBy("division_code", f.date_format("event_at", "yyyy-MM").alias("period"))
        .agg(f.count("*").alias("parcels"))
    )
    counted.toPandas().to_csv(out / "village_month.csv", index=False)
    spark.stop()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
