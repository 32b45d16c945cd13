"""The Spark server lets in who has its token, and nobody from outside this machine."""

from __future__ import annotations

import os

import grpc
import psutil
import pytest
from pyspark.sql.connect.proto import base_pb2, base_pb2_grpc

from agrilake.services import ports, spark

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def version(port: int, token: str | None) -> str:
    """Spark's version, as the server tells it to a client with that token."""
    metadata = [("authorization", f"Bearer {token}")] if token is not None else []
    request = base_pb2.AnalyzePlanRequest(session_id="00112233-4455-6677-8899-aabbccddeeff")
    request.spark_version.SetInParent()
    with grpc.insecure_channel(f"{ports.LOOPBACK}:{port}") as channel:
        stub = base_pb2_grpc.SparkConnectServiceStub(channel)
        return str(stub.AnalyzePlan(request, metadata=metadata, timeout=60).spark_version.version)


def port_of(remote: str) -> int:
    return int(remote.rpartition(":")[2])


def test_its_token_opens_it(spark_remote: str) -> None:
    assert version(port_of(spark_remote), os.environ[spark.TOKEN_VARIABLE]).startswith("4.")


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_no_or_another_token_is_refused(spark_remote: str, token: str | None) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        version(port_of(spark_remote), token)
    assert refused.value.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


def test_it_listens_on_the_loopback_address_alone(spark_remote: str) -> None:
    [server] = [
        item.pid
        for item in psutil.net_connections("tcp")
        if item.status == psutil.CONN_LISTEN and getattr(item.laddr, "port", None) == port_of(spark_remote)
    ]
    assert server is not None
    listening = [
        str(getattr(item.laddr, "ip", None)).removeprefix("::ffff:")
        for item in psutil.Process(server).net_connections("tcp")
        if item.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) <= {ports.LOOPBACK, "::1"}
