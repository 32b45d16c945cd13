WITH shown AS (
{indicator_view}
),
villages AS (SELECT DISTINCT indicator_id FROM indicator_value WHERE division_level = 'village')
SELECT s.* REPLACE (
  CASE WHEN k.whole THEN '全区' ELSE s.area END AS area,
  CASE WHEN k.whole THEN '0' ELSE s.area_order END AS area_order,
  coalesce(s.township_name, '—') AS township_name,
  CASE WHEN s.division_level = 'village' THEN s.division_name ELSE '（本指标只统计到镇街）' END AS division_name,
  CASE WHEN s.division_level = 'village' THEN s.shown_value END AS shown_value,
  CASE WHEN s.division_level = 'village' THEN s.numerator END AS numerator,
  CASE WHEN s.division_level = 'village' THEN s.denominator END AS denominator,
  CASE WHEN s.division_level = 'village' THEN s.light_text ELSE '—' END AS light_text,
  CASE WHEN s.division_level = 'village' THEN s.change_text ELSE '没有逐村数值' END AS change_text
)
FROM shown AS s
CROSS JOIN (VALUES (TRUE), (FALSE)) AS k(whole)
LEFT JOIN villages AS v ON v.indicator_id = s.indicator_id
WHERE s.division_level = 'village' OR (v.indicator_id IS NULL AND NOT k.whole)
