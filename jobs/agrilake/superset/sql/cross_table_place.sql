SELECT
  d.title,
  coalesce(d.department, '—') AS department_title,
  d.period,
  c.delivery_id,
  coalesce(d.file_name_masked, '—') AS file_name,
  c.sheet,
  c.line,
  c.rule,
  c.why
FROM cross_table_line AS c
LEFT JOIN delivery AS d ON d.id = c.delivery_id
