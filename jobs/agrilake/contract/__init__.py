"""Declarations: contracts, settings and what is derived from them without data."""
