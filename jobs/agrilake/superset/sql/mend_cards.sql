d AS (
  SELECT
    count(*) AS files,
    count(*) FILTER (WHERE status = 'refused') AS refused,
    coalesce(sum(records), 0) AS records,
    coalesce(sum(accepted), 0) AS accepted,
    coalesce(sum(duplicate), 0) AS duplicate,
    coalesce(strftime(max(received_at), '最近收到 %Y年%-m月%-d日'), '尚无报送') AS received
  FROM delivery
),
f AS (
  SELECT count(*) AS findings, count(DISTINCT delivery_id) AS files, count(DISTINCT dataset) AS datasets
  FROM quarantine_finding
),
o AS (
  SELECT count(*) AS periods, count(DISTINCT dataset) AS datasets, count(DISTINCT department) AS departments,
    coalesce(max(days_overdue), 0) AS days
  FROM catalogue_overdue
),
c AS (
  SELECT
    count(*) AS rules,
    count(*) FILTER (WHERE decision = 'warn') AS warned,
    count(*) FILTER (WHERE decision = 'stop') AS stopped
  FROM check_result
),
waiting_card AS (
  SELECT 1 AS sort, '待修改的问题' AS name, format('{:,}', findings) AS value_text, '处' AS unit,
    '在 ' || files || ' 个文件、' || datasets || ' 个数据集' AS detail, '逐行清单见下方，改法见回执' AS foot,
    CASE findings WHEN 0 THEN 'met' ELSE 'near' END AS light
  FROM f
),
overdue_card AS (
  SELECT 2 AS sort, '逾期未报' AS name, format('{:,}', periods) AS value_text, '期' AS unit,
    '涉及 ' || datasets || ' 个数据集' AS detail,
    CASE days WHEN 0 THEN '全部按期报送' ELSE '最长逾期 ' || days || ' 天' END AS foot,
    CASE periods WHEN 0 THEN 'met' ELSE 'missed' END AS light
  FROM o
),
refused_card AS (
  SELECT 3 AS sort, '未接收的文件' AS name, format('{:,}', refused) AS value_text, '个' AS unit,
    '共收到 ' || format('{:,}', files) || ' 个文件' AS detail, received AS foot,
    CASE refused WHEN 0 THEN 'met' ELSE 'missed' END AS light
  FROM d
),
share_card AS (
  SELECT 4 AS sort, '记录合格率' AS name,
    coalesce(format('{:,.2f}', (100 * accepted / nullif(records, 0))::DOUBLE), '暂无') AS value_text, '%' AS unit,
    '接收 ' || format('{:,}', accepted::BIGINT) || ' 条，重复 ' || format('{:,}', duplicate::BIGINT) || ' 条' AS detail,
    '全部文件共 ' || format('{:,}', records::BIGINT) || ' 条记录' AS foot,
    CASE WHEN accepted >= 0.98 * records THEN 'met' WHEN accepted >= 0.9 * records THEN 'near' ELSE 'missed' END AS light
  FROM d
),
check_card AS (
  SELECT 5 AS sort, '检查未通过' AS name, format('{:,}', warned + stopped) AS value_text, '条规则' AS unit,
    '停止 ' || stopped || ' 条，提醒 ' || warned || ' 条' AS detail, '共 ' || format('{:,}', rules) || ' 条规则' AS foot,
    CASE WHEN stopped > 0 THEN 'missed' WHEN warned > 0 THEN 'near' ELSE 'met' END AS light
  FROM c
)
