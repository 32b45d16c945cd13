"""Departments drop, correct, mend, repeat and withdraw files in any order: counts add up, silver is what a plain model
says, answers as of a day never change, and the same files one by one in another order give the same lake."""

from __future__ import annotations

import os

import pytest
from tests.support.telling import Story, tell

FULL = bool(os.environ.get("AGRILAKE_FULL"))


@pytest.mark.timeout(5400 if FULL else 300)
def test_departments_may_do_what_they_like_in_any_order() -> None:
    tell(Story, *((100, 25) if FULL else (6, 9)), FULL)
