"""Silver: Spark's tables, made from accepted rows, and reading the lake as it was."""
