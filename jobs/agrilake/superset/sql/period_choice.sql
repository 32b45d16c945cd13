{periods}
SELECT period_text, period_order FROM periods
