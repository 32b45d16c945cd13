WITH district AS MATERIALIZED (
  SELECT
    indicator_id, period, period_type, period_start, value,
    CASE period_type WHEN 'month' THEN 1 WHEN 'quarter' THEN 2 ELSE 3 END AS length
  FROM indicator_value
  WHERE division_level = 'district'
),
filled AS (
  SELECT period, period_type, length, any_value(period_start) AS period_start, count(value) AS found
  FROM district
  GROUP BY period, period_type, length
  HAVING count(value) > 0
),
periods AS (
  SELECT
    period,
    period_start,
    length,
    period_start + CASE period_type
      WHEN 'month' THEN INTERVAL 1 MONTH WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END AS next_start,
    CASE
      WHEN period_type = 'month' AND found * 2 >= max(found) OVER (PARTITION BY period_type) THEN '4-'
      WHEN period_type = 'quarter' THEN '3-' WHEN period_type = 'year' THEN '2-' ELSE '1-' END
      || period AS period_order,
    CASE period_type
      WHEN 'year' THEN strftime(period_start, '%Y年')
      WHEN 'quarter' THEN strftime(period_start, '%Y年') || '第' || quarter(period_start) || '季度'
      ELSE strftime(period_start, '%Y年%-m月') END AS period_text
  FROM filled
)
