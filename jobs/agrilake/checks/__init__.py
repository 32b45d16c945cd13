"""Named checks: each rule exists once and is used by row check, expectation suite and pre-check alike."""

from agrilake.checks.model import CheckContext, NamedCheck, district_context
from agrilake.checks.registry import CHECKS

__all__ = ["CHECKS", "CheckContext", "NamedCheck", "district_context"]
