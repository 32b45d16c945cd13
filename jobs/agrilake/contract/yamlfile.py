"""YAML with places: every error names file, line and path; aliases and tags are refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agrilake.errors import ContractError

# libyaml's parser where PyYAML was built with it: a quarter of the time, and each task of Airflow reads all contracts
PLAIN_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class YamlFile:
    """A parsed file with the line of each path in it."""

    path: Path
    data: dict[str, Any]
    lines: dict[tuple[str | int, ...], int]

    def error(self, place: tuple[str | int, ...], problem: str, remedy: str = "") -> ContractError:
        """A ContractError at `place`, the nearest line that the file has for it."""
        probe = place
        while probe and probe not in self.lines:
            probe = probe[:-1]
        dotted = ".".join(f"[{part}]" if isinstance(part, int) else part for part in place).replace(".[", "[")
        return ContractError(
            str(self.path), f"line {self.lines.get(probe, 1)}, {dotted or 'document'}", problem, remedy
        )

    def only(self, mapping: dict[str, Any], allowed: Iterable[str], place: tuple[str | int, ...]) -> None:
        """Raise for the first key that is not allowed, with the nearest allowed spelling."""
        allowed = list(allowed)
        for key in mapping:
            if key not in allowed:
                near = difflib.get_close_matches(str(key), allowed, n=1)
                remedy = f"did you mean {near[0]!r}?" if near else "allowed: " + ", ".join(sorted(allowed))
                raise self.error((*place, str(key)), f"unknown key {key!r}", remedy)

    def one_of(self, value: Any, allowed: Iterable[Any], place: tuple[str | int, ...]) -> None:
        """Raise for a value that is not among the allowed ones, which the remedy lists in their order."""
        allowed = list(allowed)
        if value not in allowed:
            raise self.error(place, f"{value!r} is unknown", "one of " + ", ".join(allowed))


def read_yaml(path: Path) -> YamlFile:
    """Parse one YAML mapping; raises ContractError for bad syntax, duplicate keys, or anything but a mapping."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=PARSER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "not UTF-8 text"
        raise ContractError(str(path), f"line {line}", f"not valid YAML: {problem}") from error
    if not isinstance(node, yaml.MappingNode):
        raise ContractError(str(path), "line 1", "expected a mapping of keys")
    lines: dict[tuple[str | int, ...], int] = {}
    _refuse_tricks(node, path, set())
    data = _value(node, (), lines, path)
    return YamlFile(path, data, lines)


def _refuse_tricks(node: yaml.Node, path: Path, seen: set[int]) -> None:
    """No tags on collections, and no aliases: those are the very node that their anchor named, and aliases of aliases
    would unfold without end."""
    if not isinstance(node, yaml.ScalarNode) and node.tag not in PLAIN_TAGS:
        raise ContractError(str(path), f"line {node.start_mark.line + 1}", f"tag {node.tag} is not allowed")
    if id(node) in seen:
        raise ContractError(str(path), f"line {node.start_mark.line + 1}", "an alias of this", "write it out")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            for part in pair:
                _refuse_tricks(part, path, seen)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            _refuse_tricks(part, path, seen)


def _value(node: yaml.Node, place: tuple[str | int, ...], lines: dict[Any, int], path: Path) -> Any:
    lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in result:
                line = key_node.start_mark.line + 1
                raise ContractError(str(path), f"line {line}", f"key {key!r} stands twice", "keep one of them")
            result[key] = _value(value_node, (*place, key), lines, path)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, index), lines, path) for index, item in enumerate(node.value)]
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except yaml.YAMLError as error:
        line = node.start_mark.line + 1
        raise ContractError(str(path), f"line {line}", f"tag {node.tag} is not allowed") from error
