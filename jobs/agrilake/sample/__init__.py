"""Sample extracts from a seed: plausible, dirty on purpose, with the truth beside them."""

from agrilake.sample.generate import COMMITTED, SampleManifest, generate

__all__ = ["COMMITTED", "SampleManifest", "generate"]
