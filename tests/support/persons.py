"""What personal numbers look like, told apart from the code that looks for them."""

from __future__ import annotations

import re

PERSONAL_NUMBERS = re.compile(r"(?<!\d)(?:[1-9]\d{16}[\dXx]|[1-9]\d{15,18}|1[3-9]\d{9})(?!\d)")
"""Resident ids, bank cards and mobile numbers as plain digits."""
