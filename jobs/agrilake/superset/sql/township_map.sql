WITH shown AS (
{indicator_view}
),
ranged AS (
  SELECT
    s.*,
    m.path,
    m.label,
    m.label_x,
    m.label_y,
    m.view AS map_view,
    min(s.shown_value) OVER same AS lowest,
    max(s.shown_value) OVER same AS highest
  FROM shown AS s
  JOIN map_area AS m ON m.division_code = s.division_code
  WHERE s.division_level = 'township'
  WINDOW same AS (PARTITION BY s.indicator_id, s.indicator_name, s.period_text, s.period_order)
)
SELECT
  * EXCLUDE (lowest, highest),
  CASE
    WHEN shown_value IS NULL THEN 'none'
    WHEN highest = lowest THEN '3'
    ELSE CAST(1 + least(4, floor(5 * (shown_value - lowest) / (highest - lowest))) AS INTEGER)::VARCHAR END AS shade,
  CASE WHEN shown_value IS NULL THEN '' ELSE value_text END AS map_value,
  coalesce(format('{:,.2f}', lowest::DOUBLE), '—') AS lowest_text,
  coalesce(format('{:,.2f}', highest::DOUBLE), '—') AS highest_text
FROM ranged
