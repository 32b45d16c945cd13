WITH shown AS (
{indicator_view}
),
villages AS (SELECT DISTINCT indicator_id FROM indicator_value WHERE division_level = 'village')
SELECT * FROM shown WHERE division_level = 'village'
UNION ALL
SELECT * REPLACE ('全区' AS area, '0' AS area_order) FROM shown WHERE division_level = 'village'
UNION ALL
SELECT * REPLACE (
  coalesce(township_name, '—') AS township_name,
  '（本指标只统计到镇街）' AS division_name,
  NULL AS shown_value,
  NULL AS numerator,
  NULL AS denominator,
  '没有逐村数值' AS change_text
)
FROM shown
WHERE division_level <> 'village' AND indicator_id NOT IN (SELECT indicator_id FROM villages)
