"""The gateway's certificate: without the right one nothing is sent."""

from __future__ import annotations

import asyncio
import datetime
import os
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.server.fake_gateway import OK, fake_gateway

from klaviyo_mcp.errors import InDoubtError, SettingError, UnreachableError
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.options import RequestOptions
from klaviyo_mcp.gateway.retry import RequestKind
from klaviyo_tools.operation.request import Request

pytestmark = pytest.mark.anyio

WRITE = RequestOptions("create_event", RequestKind.WRITE)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)


def certified(directory: Path, host: str) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS with a certificate for a host, and the file with that certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / "certificate.pem", directory / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context, certificate_file


@pytest.mark.parametrize(
    ("host", "trusted", "reached"), [("localhost", True, True), ("localhost", False, False), ("elsewhere", True, False)]
)
async def test_a_request_is_sent_only_over_a_trusted_certificate_for_the_gateways_name(
    host: str, trusted: bool, reached: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    security, certificate_file = certified(tmp_path, host)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file))
    async with fake_gateway(OK, security=security) as upstream:
        client = GatewayClient(key="mtn_key", base_url=f"https://localhost:{upstream.port}", backoff_seconds=0.001)
        if reached:
            for _ in range(3):
                await client.send(Request("POST", "/api/events", body={}), WRITE)
            assert upstream.connections == 1
        else:
            with pytest.raises(UnreachableError, match="certificate could not be verified"):
                await client.send(Request("POST", "/api/events", body={}), WRITE)
        await client.aclose()
        assert len(upstream.requests) == (3 if reached else 0)


async def test_a_write_is_in_doubt_when_its_encryption_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    security, certificate_file = certified(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file))

    async def break_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        os.write(writer.get_extra_info("socket").fileno(), b"this is not TLS" * 10)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(break_it, "127.0.0.1", 0, ssl=security) as server:
        port = server.sockets[0].getsockname()[1]
        client = GatewayClient(key="mtn_key", base_url=f"https://localhost:{port}", backoff_seconds=0.001)
        with pytest.raises(InDoubtError):
            await client.send(Request("POST", "/api/events", body={}), WRITE)
        await client.aclose()


@pytest.mark.parametrize(
    ("variable", "value"), [("SSL_CERT_FILE", "/no/such/file.pem"), ("HTTPS_PROXY", "ftp://proxy.example.com:1")]
)
async def test_a_variable_of_the_environment_that_cannot_be_used_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    client = GatewayClient(key="mtn_key", base_url="https://localhost:1")
    with pytest.raises(SettingError, match=variable):
        await client.send(Request("POST", "/api/events", body={}), WRITE)
