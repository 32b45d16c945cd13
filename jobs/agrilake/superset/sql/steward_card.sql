WITH
{mend_cards}
SELECT * FROM waiting_card
UNION ALL
SELECT * FROM overdue_card
UNION ALL
SELECT * FROM refused_card
UNION ALL
SELECT * FROM check_card
UNION ALL
SELECT 6, '跨表规则不符的行', format('{:,}', count(*)), '行', '涉及 ' || count(DISTINCT rule) || ' 条规则',
  '在 ' || count(DISTINCT delivery_id) || ' 个文件', CASE count(*) WHEN 0 THEN 'met' ELSE 'near' END
FROM cross_table_line
UNION ALL
SELECT 7, '待核对的同一处所', format('{:,}', count(*)), '对', '其中现已归并 ' || count(*) FILTER (WHERE linked) || ' 对',
  '由牵头部门人工核对', CASE count(*) WHEN 0 THEN 'met' ELSE 'near' END
FROM place_review
