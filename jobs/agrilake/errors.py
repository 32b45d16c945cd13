"""Errors that people read, and the exit codes that scripts read.

Every error says where (file, line, column), what was found, what was expected and what to do; none holds a
personal value. `AgrilakeError.exit_code` is what the command line ends with (documented in docs/operating.md).
"""

from __future__ import annotations


class AgrilakeError(Exception):
    """Base of all errors that are shown as one message without a traceback."""

    exit_code = 1


class ContractError(AgrilakeError):
    """A declaration (contract, gold table, indicator, settings) is wrong: names file and place in it."""

    exit_code = 3

    def __init__(self, file: str, place: str, problem: str, remedy: str = "") -> None:
        self.file, self.place, self.problem, self.remedy = file, place, problem, remedy
        super().__init__(f"{file}: {place}: {problem}" + (f" ({remedy})" if remedy else ""))


class UsageError(AgrilakeError):
    """A command was called with something that does not exist (dataset, delivery, indicator, period)."""

    exit_code = 2


class RefusedFile(AgrilakeError):
    """A file that cannot be taken at all.

    `code` is a stable identifier; `reason` and `remedy` are Chinese and go onto the receipt as they are;
    `line` and `column` (title) are given where the reason has a place.
    """

    exit_code = 4

    def __init__(self, code: str, reason: str, remedy: str, line: int | None = None, column: str | None = None) -> None:
        self.code, self.reason, self.remedy, self.line, self.column = code, reason, remedy, line, column
        super().__init__(f"{code}: {reason} {remedy}")


class SecretError(AgrilakeError):
    """The pseudonym key is missing or readable by others: nothing may start."""

    exit_code = 5


class ConsistencyError(AgrilakeError):
    """Counts do not add up or stored data no longer fits its contract: the step stops, nothing is written."""

    exit_code = 6


class ServiceError(AgrilakeError):
    """An embedded service did not start or answer."""

    exit_code = 7
