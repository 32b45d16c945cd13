"""The crash points: what the code reaches is what the list names, so that the crash tests miss none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from agrilake.lake.failpoints import LISTS, reach
from agrilake.paths import project_root
from agrilake.publish.model import ROLES


def reached() -> Iterator[str]:
    """Every point that a call of `reach` in the package names."""
    for path in sorted((project_root() / "jobs").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reach":
                yield from names(ast.unparse(node.args[0]))


def names(argument: str) -> list[str]:
    """The point that a call's argument (a text, or an f-text over the role) names, or one for each role."""
    return sorted({ast.literal_eval(argument.removeprefix("f").replace("{role}", role)) for role in ROLES})


def test_the_list_names_every_point_that_the_code_reaches_and_no_other() -> None:
    assert sorted(reached()) == sorted(point for points in LISTS for point in points)


def test_a_point_that_is_not_listed_is_an_error() -> None:
    with pytest.raises(ValueError, match="somewhere"):
        reach("somewhere")
