"""The supervisor with small real processes, the ports, and how the services are started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agrilake.errors import ServiceError
from agrilake.services import airflow, ports, process, spark

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
WAITING = (
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
    "print('child', child.pid, flush=True); time.sleep(60)"
)


def python(name: str, code: str, home: Path) -> process.Command:
    return process.Command(name, (sys.executable, "-S", "-c", code), dict(os.environ), home)


def has_printed(running: process.Running) -> bool:
    return Path(running.log).read_text(encoding="utf-8").strip() != ""


def started(home: Path, code: str, name: str = "demo") -> process.Running:
    return process.ensure(home, name, lambda: python(name, code, home), has_printed, 20.0)


def child_of(running: process.Running) -> psutil.Process:
    return psutil.Process(int(Path(running.log).read_text(encoding="utf-8").split()[1]))


def is_gone(child: psutil.Process) -> bool:
    return not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for running in process.status(tmp_path):
        process.stop(tmp_path, running.name, grace_seconds=1.0)


class TestSupervisor:
    def test_a_started_program_is_found_and_stopped(self, home: Path) -> None:
        running = started(home, SLEEP)
        assert process.find(home, "demo") == running
        assert process.status(home) == [running]
        assert running.memory_bytes > 0
        assert process.stop(home, "demo") is True
        assert process.find(home, "demo") is None
        assert not psutil.pid_exists(running.pid)

    def test_it_leads_a_session_of_its_own(self, home: Path) -> None:
        running = started(home, SLEEP)
        assert os.getsid(running.pid) == running.pid != os.getsid(0)

    def test_ensure_twice_starts_once(self, home: Path) -> None:
        assert started(home, SLEEP) == started(home, SLEEP)

    def test_ensure_at_the_same_time_starts_once(self, home: Path) -> None:
        found: list[process.Running] = []
        callers = [threading.Thread(target=lambda: found.append(started(home, SLEEP))) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert len({running.pid for running in found}) == 1
        assert len(found) == 4

    def test_starting_a_running_program_is_refused(self, home: Path) -> None:
        started(home, SLEEP)
        with pytest.raises(ServiceError, match="demo is running already"):
            process.start(home, python("demo", SLEEP, home))

    def test_stopping_what_never_ran_is_no_error(self, home: Path) -> None:
        assert process.stop(home, "demo") is False

    def test_a_program_that_ignores_the_polite_signal_is_killed(self, home: Path) -> None:
        running = started(home, STUBBORN)
        begin = time.monotonic()
        assert process.stop(home, "demo", grace_seconds=0.5) is True
        assert time.monotonic() - begin < 5
        assert not psutil.pid_exists(running.pid)

    def test_children_end_with_their_parent(self, home: Path) -> None:
        child = child_of(started(home, WAITING))
        process.stop(home, "demo")
        assert is_gone(child)

    def test_children_of_a_program_that_died_are_still_stopped(self, home: Path) -> None:
        running = started(home, WAITING)
        child = child_of(running)
        os.kill(running.pid, signal.SIGKILL)
        psutil.Process(running.pid).wait(timeout=5)
        assert process.find(home, "demo") is None
        assert not is_gone(child)
        assert process.stop(home, "demo") is True
        assert is_gone(child)

    def test_a_reused_pid_is_neither_found_nor_killed(self, home: Path) -> None:
        stranger = subprocess.Popen(
            [sys.executable, "-S", "-c", SLEEP], start_new_session=True, stdout=subprocess.DEVNULL
        )
        try:
            record = process.Running("demo", stranger.pid, "another boot 1", None, str(home / "log"), "")
            file = home / "run" / "demo.json"
            file.parent.mkdir()
            file.write_text(json.dumps(record.__dict__), encoding="utf-8")
            assert process.find(home, "demo") is None
            assert process.stop(home, "demo") is False
            assert stranger.poll() is None
            assert not file.exists()
        finally:
            stranger.kill()
            stranger.wait()

    def test_a_spoilt_record_counts_as_not_running(self, home: Path) -> None:
        file = home / "run" / "demo.json"
        file.parent.mkdir()
        file.write_text("{", encoding="utf-8")
        assert process.find(home, "demo") is None

    def test_a_program_that_dies_is_reported_with_its_last_words(self, home: Path) -> None:
        command = python("demo", "raise SystemExit('内存不足')", home)
        with pytest.raises(ServiceError, match=r"(?s)demo ended while it was starting.*内存不足"):
            process.ensure(home, "demo", lambda: command, lambda _: False, 20.0)
        assert process.status(home) == []

    def test_a_program_that_is_not_ready_in_time_is_reported_and_stopped(self, home: Path) -> None:
        command = python("demo", SLEEP, home)
        with pytest.raises(ServiceError, match=r"(?s)demo is not ready after 2 s.*demo\.log.*up"):
            process.ensure(home, "demo", lambda: command, lambda _: False, 2.0)
        assert process.status(home) == []

    def test_a_missing_program_is_named(self, home: Path) -> None:
        with pytest.raises(ServiceError, match="no-such-program cannot be started"):
            process.start(home, process.Command("demo", ("no-such-program",), {}, home))


class TestLogs:
    def test_the_tail_is_the_last_lines(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        log.write_text("\n".join(map(str, range(100))), encoding="utf-8")
        assert process.log_tail(log, 2) == "98\n99"
        assert process.log_tail(tmp_path / "none") == ""

    def test_a_large_log_is_put_aside(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(process, "LOG_LIMIT_BYTES", 3)
        log = home / "logs" / "demo.log"
        log.parent.mkdir()
        log.write_text("earlier\n", encoding="utf-8")
        running = started(home, SLEEP)
        assert Path(running.log).read_text(encoding="utf-8") == "up\n"
        assert log.with_suffix(".log.1").read_text(encoding="utf-8") == "earlier\n"


class TestSecrets:
    def test_a_secret_is_kept_and_private(self, tmp_path: Path) -> None:
        file = tmp_path / "secrets" / "key"
        secret = process.read_or_create_secret(file)
        assert len(secret) >= 43
        assert process.read_or_create_secret(file) == secret
        assert file.stat().st_mode & 0o777 == 0o600
        assert [each.name for each in file.parent.iterdir()] == ["key"]

    def test_secrets_differ(self, tmp_path: Path) -> None:
        assert process.read_or_create_secret(tmp_path / "a") != process.read_or_create_secret(tmp_path / "b")


class TestPorts:
    def test_the_choice_is_remembered(self, tmp_path: Path) -> None:
        first = ports.choose_port(tmp_path, "demo", "AGRILAKE_DEMO_PORT")
        assert ports.is_free(first)
        assert ports.choose_port(tmp_path, "demo", "AGRILAKE_DEMO_PORT") == first

    def test_a_remembered_port_in_use_is_not_taken(self, tmp_path: Path) -> None:
        first = ports.choose_port(tmp_path, "demo", "AGRILAKE_DEMO_PORT")
        with socket.socket() as other:
            other.bind((ports.LOOPBACK, first))
            other.listen()
            assert ports.is_open(first)
            assert ports.choose_port(tmp_path, "demo", "AGRILAKE_DEMO_PORT") != first

    def test_the_environment_decides(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        port = ports.free_port()
        monkeypatch.setenv("AGRILAKE_DEMO_PORT", str(port))
        assert ports.choose_port(tmp_path, "demo", "AGRILAKE_DEMO_PORT") == port

    @pytest.mark.parametrize("text", ["http", "80", "70000", "-1"])
    def test_what_is_no_port_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("AGRILAKE_DEMO_PORT", text)
        with pytest.raises(ServiceError, match=f"AGRILAKE_DEMO_PORT={text}: expected a port"):
            ports.choose_port(tmp_path, "demo", "AGRILAKE_DEMO_PORT")

    def test_a_demanded_port_in_use_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as other:
            other.bind((ports.LOOPBACK, 0))
            other.listen()
            monkeypatch.setenv("AGRILAKE_DEMO_PORT", str(other.getsockname()[1]))
            with pytest.raises(ServiceError, match="another program is using this port"):
                ports.choose_port(tmp_path, "demo", "AGRILAKE_DEMO_PORT")


class TestSparkCommand:
    def test_it_listens_on_loopback_and_hides_the_token(self, tmp_path: Path) -> None:
        command = spark.server_command(tmp_path)
        token = (tmp_path / "run" / "spark.token").read_text(encoding="ascii")
        assert f"spark.connect.grpc.binding.address={ports.LOOPBACK}" in command.argv
        assert f"spark.connect.grpc.binding.port={command.port}" in command.argv
        assert command.env[spark.TOKEN_VARIABLE] == token
        assert token not in " ".join(command.argv)

    def test_a_client_environment_does_not_reach_the_server(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
        assert "SPARK_CONNECT_MODE_ENABLED" not in spark.server_command(tmp_path).env

    def test_a_cluster_gets_the_jars_and_no_loopback_driver(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AGRILAKE_SPARK_MASTER", "spark://master:7077")
        options = " ".join(spark.server_command(tmp_path).argv)
        assert "spark.jars=" in options
        assert "spark.driver.host" not in options

    def test_clients_say_localhost_since_a_token_without_tls_goes_nowhere_else(self) -> None:
        running = process.Running("spark", 1, "", 15002, "", "")
        assert spark.address(running) == "sc://localhost:15002"
        assert spark._spelled_localhost("sc://127.0.0.1:15002/;a=b") == "sc://localhost:15002/;a=b"
        assert spark._spelled_localhost("sc://spark:15002") == "sc://spark:15002"

    def test_without_a_server_the_remedy_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AGRILAKE_SPARK_REMOTE", raising=False)
        with pytest.raises(ServiceError, match="agrilake up"):
            spark.connect(tmp_path, start=False)


class TestAirflowEnvironment:
    def test_the_admin_password_is_private_and_known_to_airflow(self, tmp_path: Path) -> None:
        env = airflow.airflow_environment(tmp_path, 8080, tmp_path / "dags")
        file = Path(env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
        assert json.loads(file.read_text(encoding="utf-8")) == {"admin": airflow.password(tmp_path)}
        assert file.stat().st_mode & 0o777 == 0o600

    def test_the_fernet_key_is_one(self, tmp_path: Path) -> None:
        from cryptography.fernet import Fernet

        env = airflow.airflow_environment(tmp_path, 8080, None)
        Fernet(env["AIRFLOW__CORE__FERNET_KEY"])

    def test_the_operator_has_the_last_word(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "32")
        assert airflow.airflow_environment(tmp_path, 8080, None)["AIRFLOW__CORE__PARALLELISM"] == "32"

    def test_without_airflow_the_remedy_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ServiceError, match="agrilake up"):
            airflow.AirflowClient.at(tmp_path)
