SELECT
  'held' AS tone,
  '暂停更新：' || title AS headline,
  reason || '。现仍显示第 ' || coalesce(CAST(shown_version AS VARCHAR), '—') || ' 版的数据。' AS detail
FROM held_table
WHERE held
UNION ALL
SELECT
  'fine' AS tone,
  '全部数据表正常更新' AS headline,
  '共 ' || count(*) || ' 张数据表，本次检查均已通过，没有暂停更新的表。' AS detail
FROM held_table
HAVING count(*) FILTER (WHERE held) = 0
