WITH filled AS (
  SELECT period, period_type, any_value(period_start) AS period_start, count(value) AS found
  FROM indicator_value
  WHERE division_level = 'district'
  GROUP BY period, period_type
  HAVING count(value) > 0
),
periods AS (
  SELECT
    period,
    CASE
      WHEN period_type = 'month' AND found * 2 >= max(found) OVER (PARTITION BY period_type) THEN '4-'
      WHEN period_type = 'quarter' THEN '3-' WHEN period_type = 'year' THEN '2-' ELSE '1-' END
      || period AS period_order,
    CASE period_type
      WHEN 'year' THEN strftime(period_start, '%Y年')
      WHEN 'quarter' THEN strftime(period_start, '%Y年') || '第' || quarter(period_start) || '季度'
      ELSE strftime(period_start, '%Y年%-m月') END AS period_text
  FROM filled
),
owners AS (SELECT DISTINCT department, department_title FROM catalogue),
shown AS (
  SELECT
    v.*,
    i.sort,
    i.formula,
    coalesce(o.department_title, i.owner) AS owner,
    p.period_order,
    p.period_text,
    CASE v.division_level
      WHEN 'district' THEN '全区' WHEN 'township' THEN v.division_name ELSE v.township_name END AS area,
    CASE v.division_level WHEN 'district' THEN '0' ELSE v.township_code END AS area_order,
    CASE v.unit WHEN '元' THEN 10000 ELSE 1 END AS part,
    CASE v.unit WHEN '元' THEN '万元' ELSE v.unit END AS shown_unit,
    CASE v.unit WHEN '元' THEN '{:,.2f}' ELSE '{:,.' || v.decimals || 'f}' END AS pattern
  FROM indicator_value AS v
  JOIN periods AS p ON p.period = v.period
  JOIN indicator AS i ON i.id = v.indicator_id
  LEFT JOIN owners AS o ON o.department = i.owner
)
SELECT
  indicator_id, indicator_name, sort, owner, formula, division_code, division_name, division_level, township_name,
  area, area_order, period_type, period_start, period_text, period_order,
  value / part AS shown_value,
  previous_year_value / part AS shown_previous,
  target / part AS shown_target,
  shown_unit, numerator, denominator,
  coalesce(format(pattern, (value / part)::DOUBLE), '暂无') AS value_text,
  CASE
    WHEN value IS NULL THEN coalesce(missing_reason, '本期尚无数据')
    WHEN previous_year_value IS NULL THEN '暂无去年同期数据'
    WHEN unit = '%' THEN
      '较去年同期 ' || format('{:+.1f}', (value - previous_year_value)::DOUBLE) || ' 个百分点'
    WHEN yoy IS NULL THEN '暂无去年同期数据'
    ELSE '同比 ' || format('{:+.1f}', yoy::DOUBLE) || '%' END AS change_text,
  CASE
    WHEN value IS NULL THEN 'none'
    WHEN previous_year_value IS NULL OR direction = 'none' OR value = previous_year_value THEN 'flat'
    WHEN (value > previous_year_value) = (direction = 'up') THEN 'good'
    ELSE 'bad' END AS change_tone,
  coalesce('目标 ' || format(pattern, (target / part)::DOUBLE) || ' ' || shown_unit, '未设目标') AS target_text,
  CASE flag
    WHEN 'official' THEN '正式' WHEN 'estimated' THEN '估算' WHEN 'imputed' THEN '插补'
    WHEN 'missing' THEN '缺失' ELSE flag END || CASE WHEN late THEN '（含迟报）' ELSE '' END AS flag_text,
  coalesce(source, '尚未接入') AS source,
  '更新至 ' || coalesce(fresh_until, '（尚无报送）') AS fresh_text
FROM shown
