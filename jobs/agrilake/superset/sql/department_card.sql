WITH
{mend_cards}
SELECT * FROM waiting_card
UNION ALL
SELECT * FROM overdue_card
UNION ALL
SELECT * FROM refused_card
UNION ALL
SELECT * FROM share_card
UNION ALL
SELECT * FROM check_card
UNION ALL
SELECT 6, '平均质量得分', coalesce(format('{:.1f}', avg(quality_score)), '暂无'), '分', count(*) || ' 个数据集平均',
  '满分 100 分', CASE WHEN coalesce(avg(quality_score), 0) >= 95 THEN 'met' WHEN avg(quality_score) >= 90 THEN 'near'
    ELSE 'missed' END
FROM catalogue
WHERE quality_score IS NOT NULL
