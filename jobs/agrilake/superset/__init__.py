"""Superset's side of the lake: the committed export, made from contracts and indicators, and its import."""
