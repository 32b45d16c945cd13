SELECT
  p.district_name || ' · ' || coalesce(c.title, '') AS district,
  '数据版本 ' || p.version || ' · 发布于 ' || strftime(p.made_at, '%Y年%-m月%-d日 %H:%M') AS edition,
  c.datasets || ' 个数据集，已有数据 ' || c.delivered || ' 个 · 最新数据期间 ' || coalesce(c.period_latest, '—')
    || CASE WHEN c.overdue > 0 THEN ' · ' || c.overdue || ' 个数据集逾期未报' ELSE ' · 全部按期报送' END AS freshness
FROM publication AS p,
  (SELECT any_value(department_title) AS title, count(*) AS datasets, count(period_latest) AS delivered, max(period_latest) AS period_latest,
    count(*) FILTER (WHERE overdue) AS overdue FROM catalogue) AS c
