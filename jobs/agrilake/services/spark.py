"""The Spark Connect server: one driver that owns Spark's tables, with thin clients around it.

The server comes out of the pyspark wheel. It listens on the loopback address alone and asks each client for a
token, since whoever reaches it may read every table and run code as its owner. Delta's jars are on its class
path from `make install`; nothing is resolved when it starts.

With AGRILAKE_SPARK_REMOTE (for example sc://spark:15002) an existing server is used instead, as in production.
Its token then comes from SPARK_CONNECT_AUTHENTICATE_TOKEN, and the client sends it to another host over TLS alone.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from agrilake.errors import ServiceError
from agrilake.paths import UMASK, project_root
from agrilake.services import ports, process
from agrilake.tables.layout import ROWS_PER_GROUP

if TYPE_CHECKING:
    from pyspark.sql.connect.client.retries import RetryPolicy
    from pyspark.sql.connect.session import SparkSession

NAME = "spark"
START_SECONDS = 180.0
TOKEN_VARIABLE = "SPARK_CONNECT_AUTHENTICATE_TOKEN"  # noqa: S105 (the name, not the token)
TIME_ZONE = "Asia/Shanghai"

# what a client has set in its own environment would turn spark-submit into a client as well
CLIENT_VARIABLES = ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_CONF_DIR")


def connect(home: Path, start: bool = True) -> SparkSession:
    """A session on the lake's Spark server, which is started when it is not running and `start` is true.

    One session for each server is kept and shared within this process; `session.newSession()` gives a separate
    one. Raises ServiceError if the server is not running (with start=False) or does not start.
    """
    remote = os.environ.get("AGRILAKE_SPARK_REMOTE")
    if remote:
        return _session(_spelled_localhost(remote), generation=0)
    home = home.resolve()
    running = ensure_spark(home) if start else process.find(home, NAME)
    if running is None:
        raise ServiceError(f"the Spark server of {home} is not running; start it with: agrilake up")
    return _session(f"{address(running)}/;token={token(home)}", running.pid, home)


def address(running: process.Running) -> str:
    """The server's address for clients, without the token.

    The client sends a token without TLS only to the host that is spelled "localhost".
    """
    return f"sc://localhost:{running.port}"


def token(home: Path) -> str:
    """The token that clients of this home's server send; made at random when there is none yet."""
    return process.read_or_create_secret(home.resolve() / "run" / "spark.token")


def ensure_spark(home: Path) -> process.Running:
    """The running Spark Connect server of this home, started if need be. Raises ServiceError if it won't start."""
    home = home.resolve()
    return process.ensure(home, NAME, lambda: server_command(home), answers, START_SECONDS)


def stop_spark(home: Path) -> bool:
    """Stop the server; False if it was not running."""
    return process.stop(home.resolve(), NAME, grace_seconds=30.0)


def server_command(home: Path) -> process.Command:
    """How the server is started. Raises ServiceError if Delta's jars were not fetched."""
    spark_home = _spark_home()
    scratch = home / "tmp" / "spark"
    shutil.rmtree(scratch, ignore_errors=True)  # what a server that was killed left there
    scratch.mkdir(parents=True, exist_ok=True)
    port = ports.choose_port(home, NAME, "AGRILAKE_SPARK_PORT")
    master = os.environ.get("AGRILAKE_SPARK_MASTER") or "local[2]"
    options = [f"{key}={value}" for key, value in _settings(home, scratch, port, master).items()]
    properties = os.environ.get("AGRILAKE_SPARK_PROPERTIES")
    argv = (
        str(spark_home / "bin" / "spark-submit"),
        *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
        *("--name", "agrilake", "--master", master),
        *("--driver-memory", os.environ.get("AGRILAKE_SPARK_MEMORY") or "3g"),
        *(("--properties-file", properties) if properties else ()),
        *(part for option in options for part in ("--conf", option)),
        "spark-internal",
    )
    return process.Command(NAME, argv, _environment(home, spark_home, scratch, master), scratch, port)


def delta_jars() -> list[Path]:
    """Delta's jars. Raises ServiceError if there are none."""
    jars = sorted((project_root() / ".cache" / "jars").glob("*.jar"))
    if not jars:
        raise ServiceError(f"no Delta jars in {project_root() / '.cache' / 'jars'}; run: make install")
    return jars


# by address and by the process behind it, since a session ends with its server
_sessions: dict[tuple[str, int], SparkSession] = {}
_sessions_lock = threading.Lock()


def _session(remote: str, generation: int, home: Path | None = None) -> SparkSession:
    from pyspark.sql import SparkSession as Entry

    with _sessions_lock:
        session = _sessions.get((remote, generation))
        if session is None or session.is_stopped:
            session = cast("SparkSession", Entry.builder.remote(remote).create())
            # would try for ten minutes at this process's end to reach a server that has gone
            atexit.unregister(session.client._cleanup_ml_cache)
            if home is not None:
                session.client.set_retry_policies([_while_it_lives(home, generation)])
            _sessions[remote, generation] = session
    return session


def _while_it_lives(home: Path, pid: int) -> RetryPolicy:
    """Spark's own policy, but for a server of this machine that has died: its sessions are gone with it, and waiting
    ten minutes for them would only keep the run from starting another one."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    class WhileItLives(DefaultPolicy):
        def can_retry(self, e: BaseException) -> bool:
            running = process.find(home, NAME)
            return running is not None and running.pid == pid and bool(super().can_retry(e))

    return WhileItLives()


def _spelled_localhost(remote: str) -> str:
    return remote.replace(f"//{ports.LOOPBACK}", "//localhost", 1)


def answers(running: process.Running) -> bool:
    """Whether the server accepts connections."""
    return running.port is not None and ports.is_open(running.port)


def _spark_home() -> Path:
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise ServiceError("pyspark is not installed; run: make install")
    return Path(spec.origin).parent


def _environment(home: Path, spark_home: Path, scratch: Path, master: str) -> dict[str, str]:
    env = {key: value for key, value in os.environ.items() if key not in CLIENT_VARIABLES}
    if master.startswith("local"):
        env["SPARK_LOCAL_IP"] = ports.LOOPBACK
    return env | {
        "SPARK_HOME": str(spark_home),
        "SPARK_LOCAL_DIRS": str(scratch),
        "PYSPARK_PYTHON": sys.executable,
        "AGRILAKE_HOME": str(home),
        TOKEN_VARIABLE: token(home),  # by the environment, since arguments can be read by everybody
    }


def _settings(home: Path, scratch: Path, port: int, master: str) -> dict[str, str]:
    jars = delta_jars()
    settings = {
        "spark.connect.grpc.binding.address": ports.LOOPBACK,
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        "spark.driver.extraJavaOptions": _jvm_options(scratch),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": str(home / "warehouse"),
        "spark.sql.session.timeZone": TIME_ZONE,
        "spark.sql.ansi.enabled": "true",
        "spark.sql.shuffle.partitions": os.environ.get("AGRILAKE_SPARK_SHUFFLE_PARTITIONS") or "4",
        # the log of a table is small here; the default of 50 partitions costs a second for each snapshot
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.hadoop.parquet.block.row.count.limit": str(ROWS_PER_GROUP),
        # Hadoop sets the modes of some files by its own mask, whatever the process has
        "spark.hadoop.fs.permissions.umask-mode": f"{UMASK:03o}",
        # below that, plans are logged with the values in them
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if master.startswith("local"):
        return settings | {"spark.driver.host": ports.LOOPBACK, "spark.driver.bindAddress": ports.LOOPBACK}
    return settings | {"spark.jars": ",".join(map(str, jars))}


def _jvm_options(scratch: Path) -> str:
    """Options of the driver's JVM.

    AGRILAKE_SPARK_JAVA_OPTIONS adds to them: with -XX:TieredStopAtLevel=1 the first statements cost half the
    processor time and long ones more, which is right for tests and wrong for millions of rows. That compiler alone
    would get a code cache of 48 MB, which one build of all gold tables fills: the server then dies.
    """
    own = (
        f"-Djava.io.tmpdir={scratch}",
        f"-Duser.timezone={TIME_ZONE}",
        "-Dfile.encoding=UTF-8",
        "-Xss4m",
        "-XX:ReservedCodeCacheSize=256m",
    )
    return " ".join((*own, os.environ.get("AGRILAKE_SPARK_JAVA_OPTIONS", ""))).strip()
