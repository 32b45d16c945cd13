WITH d AS (
  SELECT
    count(*) AS files,
    count(*) FILTER (WHERE status = 'refused') AS refused,
    coalesce(sum(records), 0) AS records,
    coalesce(sum(accepted), 0) AS accepted,
    coalesce(sum(duplicate), 0) AS duplicate,
    coalesce(strftime(max(received_at), '最近收到 %Y年%-m月%-d日'), '尚无报送') AS received
  FROM delivery
),
q AS (SELECT coalesce(sum("count"), 0) AS waiting, count(DISTINCT dataset) AS datasets FROM quarantine_summary),
o AS (
  SELECT count(*) AS periods, count(DISTINCT department) AS departments, coalesce(max(days_overdue), 0) AS days
  FROM catalogue_overdue
),
c AS (
  SELECT
    count(*) AS rules,
    count(*) FILTER (WHERE decision = 'warn') AS warned,
    count(*) FILTER (WHERE decision = 'stop') AS stopped
  FROM check_result
),
r AS (
  SELECT count(*) AS pairs, count(*) FILTER (WHERE linked) AS linked FROM place_review
)
SELECT 1 AS sort, '收到文件' AS name, format('{:,}', files) AS value_text, '个' AS unit,
  '其中未接收 ' || refused || ' 个' AS detail, received AS foot, CASE refused WHEN 0 THEN 'met' ELSE 'near' END AS light
FROM d
UNION ALL
SELECT 2, '记录合格率', coalesce(format('{:,.2f}', (100 * accepted / nullif(records, 0))::DOUBLE), '暂无'), '%',
  '接收 ' || format('{:,}', accepted::BIGINT) || ' 条，重复 ' || format('{:,}', duplicate::BIGINT) || ' 条',
  '全部文件共 ' || format('{:,}', records::BIGINT) || ' 条记录',
  CASE WHEN accepted >= 0.98 * records THEN 'met' WHEN accepted >= 0.9 * records THEN 'near' ELSE 'missed' END
FROM d
UNION ALL
SELECT 3, '待修改的问题', format('{:,}', waiting::BIGINT), '处', '涉及 ' || datasets || ' 个数据集',
  '改好后按回执重新报送即可', CASE waiting WHEN 0 THEN 'met' ELSE 'near' END
FROM q
UNION ALL
SELECT 4, '逾期未报', format('{:,}', periods), '期', '涉及 ' || departments || ' 个部门',
  CASE days WHEN 0 THEN '全部按期报送' ELSE '最长逾期 ' || days || ' 天' END,
  CASE periods WHEN 0 THEN 'met' ELSE 'missed' END
FROM o
UNION ALL
SELECT 5, '检查未通过', format('{:,}', warned + stopped), '条规则', '停止 ' || stopped || ' 条，提醒 ' || warned || ' 条',
  '共 ' || format('{:,}', rules) || ' 条规则',
  CASE WHEN stopped > 0 THEN 'missed' WHEN warned > 0 THEN 'near' ELSE 'met' END
FROM c
UNION ALL
SELECT 6, '待核对的同一处所', format('{:,}', pairs), '对', '其中现已归并 ' || linked || ' 对',
  '由牵头部门人工核对', CASE pairs WHEN 0 THEN 'met' ELSE 'near' END
FROM r
