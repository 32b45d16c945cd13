WITH shown AS (
{indicator_view}
)
SELECT * FROM shown WHERE division_level = 'village'
UNION ALL
SELECT * REPLACE ('全区' AS area, '0' AS area_order) FROM shown WHERE division_level = 'village'
