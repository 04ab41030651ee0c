"""The gateway's URL: https or this machine, and understood in one way only."""

from __future__ import annotations

import pytest

from klaviyo_mcp.errors import SettingError
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.urls import gateway_url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.maton.ai",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://0.0.0.0",
        "http://127.1",
        "https://user@api.maton.ai",
        "https://user:word@api.maton.ai",
        "https://api.maton.ai?x=1",
        "https://api.maton.ai?",
        "https://api.maton.ai#x",
        "https://api.maton.ai/../x",
        "https://api.maton.ai/a/./b",
        "https://api.maton.ai/%2e%2e",
        "https://api.maton.ai\\@example.com",
        "https://api.maton.ai:port",
        "https://api.maton.ai:99999",
        "https://api maton.ai",
        "https://api.maton.ai/a b",
        "https://a\npi.maton.ai",
        "https://äpi.maton.ai",
        "https://",
        "https:api.maton.ai",
        "ftp://api.maton.ai",
        "file:///etc/passwd",
        "api.maton.ai",
        "",
    ],
)
def test_a_url_that_could_leak_the_key_is_refused(url: str) -> None:
    with pytest.raises(SettingError) as caught:
        gateway_url(url)
    assert str(caught.value).startswith("MATON_BASE_URL ")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.maton.ai", "https://api.maton.ai"),
        ("HTTPS://API.Maton.ai/", "https://api.maton.ai"),
        (" https://gateway.example.com:8443/maton/ ", "https://gateway.example.com:8443/maton"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_a_url_is_https_or_this_machine(text: str, url: str) -> None:
    assert gateway_url(text) == url


def test_the_client_refuses_such_a_url_without_showing_its_key() -> None:
    with pytest.raises(SettingError) as caught:
        GatewayClient(key="mtn_5ecret_0f_the_operator", base_url="http://api.maton.ai")
    assert "mtn_5ecret" not in str(caught.value)
