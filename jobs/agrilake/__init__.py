"""agrilake: a district's rural data, from dropped file to a number that leads back to its line."""

__version__ = "0.1.0"
