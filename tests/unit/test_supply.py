"""What is installed and what is committed: pinned by hash, listed by command, and without a secret."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from typer.testing import CliRunner

from agrilake.commands.main import app
from agrilake.paths import project_root

LOCKS = ("bootstrap", "lake", "superset")
SCANNERS = tuple(
    f"{name}Detector"
    for name in (
        *("Artifactory", "AWSKey", "AzureStorageKey", "BasicAuth", "Cloudant", "DiscordBotToken", "GitHubToken"),
        *("GitLabToken", "JwtToken", "Mailchimp", "Npm", "OpenAI", "PrivateKey", "PypiToken", "SendGrid", "Slack"),
        *("SquareOAuth", "Stripe", "TelegramBotToken", "TwilioKey"),
    )
)
TEXTS = (".py", ".yaml", ".yml", ".md", ".toml", ".cfg", ".in", ".txt", ".json", ".html", ".sh", "")
OWN_SECRETS = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]{20}|\bk\d+:(?:sm3|sha256):[0-9a-f]{64}")
LONGEST_LINE = 20_000


def committed() -> Iterator[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=project_root(), capture_output=True, check=True).stdout
    for name in names.decode().split("\0"):
        path = project_root() / name
        if name and path.is_file() and not path.is_symlink():
            yield path


def secrets_in(text: str) -> list[str]:
    found = ["a secret of the lake's own"] if OWN_SECRETS.search(text) else []
    with transient_settings({"plugins_used": [{"name": name} for name in SCANNERS]}):
        for line in text.splitlines():
            found += [item.type for item in scan_line(line[:LONGEST_LINE])]
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_its_hashes(name: str) -> None:
    lines = (project_root() / "requirements" / f"{name}.lock").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert packages
    assert all(re.match(r"\S+==\S+ \\$|\S+==\S+ ; .+ \\$", line) for line in packages), "a package without ==version"
    assert sum(line.startswith("    --hash=sha256:") for line in lines) >= len(packages)


def test_every_jar_is_pinned_with_its_hash() -> None:
    sums = (project_root() / "requirements" / "jars.sha256").read_text(encoding="ascii").splitlines()
    jars = {path.name for path in (project_root() / ".cache" / "jars").glob("*.jar")}
    assert {line.split()[1] for line in sums} == jars


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "token = gh" + "p_" + "a1B2" * 9,
        "k1:sm3:" + "0f" * 32,
        "AGE-SECRET-" + "KEY-1" + "Q" * 58,
    ],
)
def test_a_secret_would_be_found(text: str) -> None:
    assert secrets_in(f"first line\n{text}\n")


def test_no_secret_is_committed() -> None:
    found = {}
    for path in committed():
        if path.suffix in TEXTS:
            secrets = secrets_in(path.read_bytes().decode("utf-8", "replace"))
            if secrets:
                found[str(path.relative_to(project_root()))] = secrets
    assert found == {}


def test_the_bill_of_materials_lists_packages_and_jars(tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"
    done = CliRunner().invoke(app, ["sbom", "--out", str(target)])
    assert done.exit_code == 0, done.output
    bill = json.loads(target.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    urls = {item["purl"] for item in bill["components"]}
    assert {"pkg:pypi/pyspark@4.1.1", "pkg:pypi/deltalake@1.6.6", "pkg:maven/io.delta/delta-storage@4.3.0"} <= urls
    jars = [item for item in bill["components"] if not item["purl"].startswith("pkg:pypi")]
    assert len(jars) > 250, "Spark's own jars as well"
    assert all(item["hashes"] for item in jars)


# their own metadata names none; their texts are Apache-2.0, MIT or BSD
UNDECLARED = {"apache_superset", "asttokens", "Bottleneck", "polyline", "protobuf", "pyrage", "PySocks"}


def test_licences_are_listed_and_a_package_that_declares_none_is_looked_at() -> None:
    done = CliRunner().invoke(app, ["sbom", "--licences", "--json"])
    assert done.exit_code == 0, done.output
    listed = json.loads(done.stdout)
    assert {"name", "version", "licence"} <= listed[0].keys()
    unknown = {item["name"] for item in listed if item["purl"].startswith("pkg:pypi") and not item["licence"]}
    assert unknown <= UNDECLARED


def test_every_test_that_the_threat_model_names_exists() -> None:
    """A row of SECURITY.md is as good as the test that proves it."""
    text = (project_root() / "SECURITY.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:unit|spark|dags|crash|corpus|browser)/[\w/.]+)`", text))
    assert len(named) > 30
    missing = [name for name in named if not list((project_root() / "tests").glob(f"{name}*"))]
    assert missing == []
