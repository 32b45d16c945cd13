SELECT
  f.title,
  coalesce(f.department, '—') AS department_title,
  f.period,
  f.delivery_id,
  coalesce(d.file_name_masked, '—') AS file_name,
  f.sheet,
  f.line,
  f.column_title,
  f.problem
FROM quarantine_finding AS f
LEFT JOIN delivery AS d ON d.id = f.delivery_id
