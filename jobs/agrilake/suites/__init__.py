"""Great Expectations: suites derived from contracts, their run on the stored tables, and the quality pages."""

from agrilake.suites.build import build_suite
from agrilake.suites.cross import check_rules, load_rules
from agrilake.suites.docs import quality_folder, write_quality_docs
from agrilake.suites.files import write_suites
from agrilake.suites.model import ExpectationOutcome, SuiteResult
from agrilake.suites.validate import validate

__all__ = [
    "ExpectationOutcome",
    "SuiteResult",
    "build_suite",
    "check_rules",
    "load_rules",
    "quality_folder",
    "validate",
    "write_quality_docs",
    "write_suites",
]
