"""What is installed: a bill of materials (CycloneDX 1.6) of both environments and of every jar, with licences."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from agrilake.errors import ServiceError
from agrilake.paths import project_root

ENVIRONMENTS = (".venv", ".venv-superset")
JAR = re.compile(r"(?P<name>.+?)-(?P<version>\d[^/]*)\.jar")
POM = re.compile(r"META-INF/maven/(?P<group>[^/]+)/(?P<name>[^/]+)/pom\.properties")
MANIFEST = "META-INF/MANIFEST.MF"
LICENCE_HEADERS = ("Bundle-License", "Implementation-License")

Component = dict[str, Any]


@cache
def bill_of_materials() -> dict[str, Any]:
    """The bill as CycloneDX JSON: packages of the environments (purl pkg:pypi), jars (pkg:maven, or pkg:generic where a
    jar does not say whose it is) with their SHA-256. Raises ServiceError where an environment cannot be read."""
    bill = _environment(Path(sys.prefix))
    components: dict[str, Component] = {}
    for name in ENVIRONMENTS:
        folder = project_root() / name
        if (folder / "bin" / "python").exists():
            components |= {item["purl"]: item for item in _environment(folder)["components"] if "purl" in item}
    components |= {item["purl"]: item for item in _jars()}
    ordered = [components[purl] for purl in sorted(components)]
    return {**bill, "components": ordered, "dependencies": [{"ref": item["bom-ref"]} for item in ordered]}


def licences(bill: dict[str, Any]) -> list[dict[str, str]]:
    """Name, version, licence (as declared; empty where nothing is) and purl of each component."""
    return [
        {"name": item["name"], "version": item["version"], "licence": _licence(item), "purl": item["purl"]}
        for item in bill["components"]
    ]


def _licence(component: Component) -> str:
    said = []
    for entry in component.get("licenses", []):
        one = entry.get("license", {})
        said.append(entry.get("expression") or one.get("id") or one.get("name") or "")
    return " AND ".join(dict.fromkeys(text.splitlines()[0] for text in said if text))


def _environment(folder: Path) -> dict[str, Any]:
    program = Path(sys.executable).with_name("cyclonedx-py")
    command = [str(program), "environment", "--output-reproducible", "--of", "JSON", "--sv", "1.6", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServiceError(f"{folder.name}: its packages cannot be listed: {done.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _jars() -> Iterator[Component]:
    spec = find_spec("pyspark")
    spark = [] if spec is None or spec.origin is None else sorted((Path(spec.origin).parent / "jars").glob("*.jar"))
    groups = _declared_groups()
    for path in (*spark, *sorted((project_root() / ".cache" / "jars").glob("*.jar"))):
        match = JAR.fullmatch(path.name)
        name, version = (match["name"], match["version"]) if match else (path.stem, "")
        group, licence = _told(path, name)
        group = groups.get(name, group)
        kind = f"maven/{group}" if group else "generic"
        component: Component = {
            "type": "library",
            "bom-ref": path.name,
            "name": name,
            "version": version,
            "purl": f"pkg:{kind}/{name}@{version}",
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        }
        yield component | ({"group": group} if group else {}) | ({"licenses": licence} if licence else {})


def _declared_groups() -> dict[str, str]:
    """Groups of the jars that the project fetches itself."""
    declared = ElementTree.parse(project_root() / "requirements" / "jars.xml")  # noqa: S314 (our own file)
    return {item.attrib["name"]: item.attrib["org"] for item in declared.iter("dependency")}


def _told(path: Path, name: str) -> tuple[str, list[Component]]:
    """Whose a jar is (empty where it bundles several or does not say), and its licence by its own manifest."""
    with zipfile.ZipFile(path) as jar:
        poms = [match for entry in jar.namelist() if (match := POM.fullmatch(entry))]
        own = [match["group"] for match in poms if match["name"] == name] or [
            match["group"] for match in poms if len(poms) == 1
        ]
        text = jar.read(MANIFEST).decode("utf-8", "replace") if MANIFEST in jar.namelist() else ""
        headers = text.replace("\r\n", "\n").replace("\n ", "")
    told = [line.partition(": ")[2] for line in headers.splitlines() if line.startswith(LICENCE_HEADERS)]
    return (own[0] if own else ""), [{"license": {"name": text}} for text in told[:1]]
