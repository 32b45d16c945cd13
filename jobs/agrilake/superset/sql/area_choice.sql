SELECT '全区' AS area, '0' AS area_order
UNION ALL
SELECT DISTINCT division_name, township_code FROM indicator_value WHERE division_level = 'township'
