"""Indicators: one declaration each, one engine for all."""
