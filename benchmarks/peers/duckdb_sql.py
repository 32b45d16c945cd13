"""A month's parcels by DuckDB's SQL, into one database file. DuckDB reads no GB18030, so iconv goes before it.

python duckdb_sql.py FILE STATIONS OUT
"""

import subprocess
import sys
from pathlib import Path

import duckdb

TEXT = """
CREATE TABLE bronze AS SELECT row_number() OVER () + 1 AS line, *
FROM read_csv($file, all_varchar = true, header = true, delim = ',', quote = '"');

CREATE TEMP TABLE cells AS SELECT line,
    nullif(trim("运单号"), '') AS waybill_no, nullif(trim("事件类型"), '') AS event,
    nullif(trim("站点编号"), '') AS site_no, nullif(trim("操作时间"), '') AS event_at,
    nullif(trim("流向"), '') AS direction, nullif(trim("计费重量"), '') AS weight_kg,
    nullif(trim("寄件人电话"), '') AS sender_phone, nullif(trim("收件人电话"), '') AS receiver_phone
FROM bronze;

CREATE TEMP TABLE typed AS SELECT line, waybill_no, site_no, sender_phone, receiver_phone,
    event AS event_text, event_at AS event_at_text, direction AS direction_text, weight_kg AS weight_text,
    CASE WHEN event IN ('收寄', '揽收', '收件', '已收寄', 'picked_up') THEN 'picked_up'
         WHEN event IN ('离站', '发出', '出站', 'departed') THEN 'departed'
         WHEN event IN ('到站', '到达', '到件', '进站', 'arrived') THEN 'arrived'
         WHEN event IN ('妥投', '签收', '已签收', '投递成功', '已妥投', 'delivered') THEN 'delivered'
         WHEN event IN ('退回', '退件', '退回寄件人', 'returned') THEN 'returned' END AS event,
    CASE WHEN direction IN ('进村', '下行', '进', 'inbound') THEN 'inbound'
         WHEN direction IN ('出村', '上行', '出', 'outbound') THEN 'outbound' END AS direction,
    try_strptime(event_at, '%Y-%m-%d %H:%M:%S') AS event_at,
    CASE WHEN regexp_full_match(weight_kg, '-?\\d{1,15}(\\.\\d{1,3})?') THEN weight_kg::DECIMAL(18, 3) END AS weight_kg
FROM cells;

CREATE TEMP MACRO is_person(number) AS CASE
    WHEN regexp_full_match(number, '1[3-9]\\d{9}') THEN true
    WHEN regexp_full_match(number, '[1-9]\\d{16}[\\dX]') THEN substr('10X98765432', 1 + list_sum(list_transform(
        [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2],
        lambda weight, place: weight * try_cast(substr(number, place, 1) AS INTEGER)))::INTEGER % 11, 1)
        = substr(number, 18, 1)
    ELSE false END;

CREATE TEMP TABLE judged AS SELECT *,
    row_number() OVER (PARTITION BY waybill_no, coalesce(event, event_text), site_no,
        coalesce(event_at::VARCHAR, event_at_text), coalesce(direction, direction_text),
        coalesce(weight_kg::VARCHAR, weight_text), sender_phone, receiver_phone ORDER BY line) > 1 AS repeated,
    CASE WHEN waybill_no IS NULL THEN 'required'
         WHEN regexp_full_match(waybill_no, '[+-]?\\d(\\.\\d+)?[Ee]\\+\\d+') THEN 'excel_spoilt'
         WHEN NOT regexp_full_match(waybill_no, '[0-9A-Z]{10,20}') THEN 'pattern'
         WHEN is_person(waybill_no) THEN 'personal_number' END AS rule_waybill_no,
    CASE WHEN event_text IS NULL THEN 'required' WHEN event IS NULL THEN 'enum' END AS rule_event,
    CASE WHEN site_no IS NULL THEN 'required'
         WHEN regexp_full_match(site_no, '[+-]?\\d(\\.\\d+)?[Ee]\\+\\d+') THEN 'excel_spoilt'
         WHEN NOT regexp_full_match(site_no, 'YZ\\d{8}') THEN 'pattern'
         WHEN is_person(site_no) THEN 'personal_number' END AS rule_site_no,
    CASE WHEN event_at_text IS NULL THEN 'required'
         WHEN regexp_full_match(event_at_text, '\\d{4}-\\d{2}-\\d{2}') THEN 'date_precision'
         WHEN event_at IS NULL THEN 'type_timestamp'
         WHEN event_at::DATE > last_day(($period || '-01')::DATE) THEN 'not_future' END AS rule_event_at,
    CASE WHEN direction_text IS NULL THEN 'required' WHEN direction IS NULL THEN 'enum' END AS rule_direction,
    CASE WHEN weight_text IS NOT NULL AND weight_kg IS NULL THEN 'type_number'
         WHEN weight_kg < 0 THEN 'minimum' WHEN weight_kg > 1000 THEN 'maximum' END AS rule_weight_kg,
    CASE WHEN contains(sender_phone, '*') THEN 'masked_value'
         WHEN NOT regexp_full_match(regexp_replace(sender_phone, '[\\s\\-]', '', 'g'), '1[3-9]\\d{9}')
         THEN 'mobile_phone' END AS rule_sender_phone,
    CASE WHEN contains(receiver_phone, '*') THEN 'masked_value'
         WHEN NOT regexp_full_match(regexp_replace(receiver_phone, '[\\s\\-]', '', 'g'), '1[3-9]\\d{9}')
         THEN 'mobile_phone' END AS rule_receiver_phone
FROM typed;

CREATE TABLE quarantine AS
WITH found AS (
    SELECT line, replace(name, 'rule_', '') AS "column", rule
    FROM (UNPIVOT (SELECT line, COLUMNS('rule_.*') FROM judged WHERE NOT repeated)
          ON COLUMNS('rule_.*') INTO NAME name VALUE rule)
    UNION ALL
    SELECT line, 'waybill_no,event', 'key_conflict' FROM judged
    WHERE NOT repeated AND rule_waybill_no IS NULL AND rule_event IS NULL
    QUALIFY count(*) OVER (PARTITION BY waybill_no, event) > 1
)
SELECT line, "column", rule, reason FROM found JOIN (VALUES
    ('required', '必填项没有填'), ('enum', '不在可选项里'), ('pattern', '格式不对'), ('excel_spoilt', '被 Excel 改坏'),
    ('personal_number', '个人号码填错了列'), ('type_timestamp', '不是时间'), ('date_precision', '日期不完整'),
    ('not_future', '晚于报送期'), ('type_number', '不是数字'), ('minimum', '低于下限'), ('maximum', '超过上限'),
    ('mobile_phone', '手机号码无效'), ('masked_value', '遮盖的内容没有改回'), ('key_conflict', '编号重复但内容不同')
) AS reasons (rule, reason) USING (rule) ORDER BY line;

CREATE TABLE silver AS SELECT line, waybill_no, event, site_no, event_at, direction, weight_kg
FROM judged WHERE NOT repeated AND line NOT IN (SELECT line FROM quarantine);

CREATE TABLE village_month AS
SELECT division_code, strftime(event_at, '%Y-%m') AS period, count(*) AS parcels
FROM silver JOIN read_csv($stations, all_varchar = true) USING (site_no)
WHERE direction = 'inbound' AND event = 'delivered' GROUP BY ALL;
"""
COUNTS = """
SELECT (SELECT count(*) FROM bronze) = (SELECT count(*) FROM silver)
    + (SELECT count(DISTINCT line) FROM quarantine) + (SELECT count(*) FROM judged WHERE repeated)
"""


def main(file: Path, stations: Path, out: Path) -> None:
    utf8 = out / "utf8.csv"
    with utf8.open("wb") as target:
        subprocess.run(["iconv", "-f", "GB18030", "-t", "UTF-8", str(file)], stdout=target, check=True)
    values = {"file": str(utf8), "stations": str(stations), "period": file.stem.split("__")[1]}
    with duckdb.connect(str(out / "lake.duckdb")) as database:
        for statement in database.extract_statements(TEXT):
            named = {name: values[name] for name in statement.named_parameters}
            database.execute(statement, named or None)
        if not database.execute(COUNTS).fetchone()[0]:
            raise SystemExit("the counts do not add up")
        receipt = out / "receipt.csv"
        database.execute(f"COPY quarantine TO '{receipt}' (HEADER)")
        receipt.write_bytes(b"\xef\xbb\xbf" + receipt.read_bytes())
    utf8.unlink()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
