{periods},
finest AS (SELECT indicator_id, min(length) AS length FROM district GROUP BY indicator_id),
held AS (
  SELECT d.indicator_id, d.period, d.period_start, d.length, d.value IS NOT NULL AS found
  FROM district AS d
  WHERE d.period IN (SELECT period FROM filled)
),
asked AS (
  SELECT
    f.indicator_id,
    a.period_order,
    a.period_text,
    CASE
      WHEN a.length >= f.length THEN a.period
      ELSE coalesce(
        max(h.period) FILTER (WHERE h.found AND h.period_start < a.next_start),
        min(h.period) FILTER (WHERE h.found),
        max(h.period)
      ) END AS period
  FROM periods AS a
  CROSS JOIN finest AS f
  LEFT JOIN held AS h ON h.indicator_id = f.indicator_id AND h.length = f.length AND a.length < f.length
  GROUP BY f.indicator_id, f.length, a.period_order, a.period_text, a.length, a.period, a.next_start
),
towns AS (
  SELECT DISTINCT indicator_id, division_name AS area, township_code AS area_order
  FROM indicator_value
  WHERE division_level = 'township'
),
placed AS (
  SELECT indicator_id, '全区' AS area, '0' AS area_order FROM finest
  UNION ALL
  SELECT f.indicator_id, t.area, t.area_order
  FROM finest AS f
  CROSS JOIN (SELECT DISTINCT area, area_order FROM towns) AS t
  WHERE f.indicator_id NOT IN (SELECT indicator_id FROM towns)
),
owners AS (SELECT DISTINCT department, department_title FROM catalogue),
shown AS (
  SELECT
    v.*,
    i.sort,
    i.formula,
    coalesce(o.department_title, i.owner) AS owner,
    a.period_order,
    a.period_text,
    p.period_text AS value_period,
    CASE WHEN p.length = f.length AND a.period_text = p.period_text THEN '是' ELSE '否' END AS trend_point,
    CASE v.division_level
      WHEN 'district' THEN w.area WHEN 'township' THEN v.division_name ELSE v.township_name END AS area,
    CASE v.division_level WHEN 'district' THEN '全区' ELSE v.division_name END AS value_area,
    CASE v.division_level WHEN 'district' THEN w.area_order ELSE v.township_code END AS area_order,
    CASE v.unit WHEN '元' THEN 10000 ELSE 1 END AS part,
    CASE v.unit WHEN '元' THEN '万元' ELSE v.unit END AS shown_unit,
    CASE v.unit WHEN '元' THEN '{:,.2f}' ELSE '{:,.' || v.decimals || 'f}' END AS pattern
  FROM indicator_value AS v
  JOIN finest AS f ON f.indicator_id = v.indicator_id
  JOIN asked AS a ON a.indicator_id = v.indicator_id AND a.period = v.period
  JOIN periods AS p ON p.period = v.period
  JOIN indicator AS i ON i.id = v.indicator_id
  LEFT JOIN placed AS w ON w.indicator_id = v.indicator_id AND v.division_level = 'district'
  LEFT JOIN owners AS o ON o.department = i.owner
)
SELECT
  indicator_id, indicator_name, sort, owner, formula, division_code, division_name, division_level, township_name,
  area, area_order, value_area, period_type, period_start, period_text, period_order, value_period, trend_point,
  value / part AS shown_value,
  previous_year_value / part AS shown_previous,
  target / part AS shown_target,
  shown_unit, numerator, denominator,
  coalesce(format(pattern, (value / part)::DOUBLE), CASE WHEN hidden THEN '保密' ELSE '暂无' END) AS value_text,
  CASE
    WHEN value IS NULL THEN coalesce(missing_reason, '本期尚无数据')
    WHEN previous_hidden THEN '去年同期数保密'
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
  CASE
    WHEN to_target IS NULL THEN 'none'
    WHEN to_target >= 0 THEN 'met'
    WHEN to_target >= -0.1 * abs(target) THEN 'near'
    ELSE 'missed' END AS light,
  CASE
    WHEN hidden AND target IS NOT NULL THEN '保密'
    WHEN to_target IS NULL THEN '—'
    WHEN to_target >= 0 THEN '达标'
    WHEN to_target >= -0.1 * abs(target) THEN '接近目标'
    ELSE '未达标' END AS light_text,
  CASE flag
    WHEN 'official' THEN '正式' WHEN 'estimated' THEN '估算' WHEN 'imputed' THEN '插补'
    WHEN 'missing' THEN '缺失' ELSE flag END || CASE WHEN late THEN '（含迟报）' ELSE '' END AS flag_text,
  coalesce(source, '尚未接入') AS source,
  '更新至 ' || coalesce(fresh_until, '（尚无报送）') AS fresh_text
FROM shown
