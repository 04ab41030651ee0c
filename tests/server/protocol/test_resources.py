"""Resources over the protocol, in both eras: every listed guide and record can be read, a wrong address says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import mcp_types
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.calls.guides.guide import GUIDES, find_guide
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server
from klaviyo_mcp.settings import load_settings
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

ERAS = ["legacy", "2026-07-28"]


@asynccontextmanager
async def connected(era: str = "2026-07-28", **settings: Any) -> AsyncIterator[Client]:
    calls = create_service(load_settings({"sandbox": True, "sandbox_profiles": 5, **settings}, {}))
    async with Client(server.create_server(calls), mode=era) as client:
        yield client
    await calls.aclose()


def text_of(result: mcp_types.ReadResourceResult) -> str:
    (contents,) = result.contents
    assert isinstance(contents, mcp_types.TextResourceContents)
    return contents.text


@pytest.mark.parametrize("era", ERAS)
async def test_every_guide_that_is_listed_can_be_read(era: str) -> None:
    async with connected(era) as client:
        listed = (await client.list_resources()).resources
        assert [one.name for one in listed] == list(GUIDES)
        for one in listed:
            text = text_of(await client.read_resource(one.uri))
            assert text == find_guide(one.name).text
            assert one.size == len(text.encode())


async def test_a_guide_is_read_without_a_key_and_by_a_tool_as_well() -> None:
    async with connected(sandbox=False) as client:
        assert text_of(await client.read_resource("klaviyo://guide/consent")).startswith("# Consent\n")
        result = await client.call_tool("describe_tool", {"name": "klaviyo://guide/consent"})
        assert result.content == [mcp_types.TextContent(text=find_guide("consent").text)]
        result = await client.call_tool("describe_tool", {"name": "klaviyo://guide/consents"})
        assert result.is_error
        assert result.content == [mcp_types.TextContent(text="there is no guide 'consents'; did you mean consent?")]


@pytest.mark.parametrize("era", ERAS)
async def test_records_are_read_by_the_address_of_their_template(era: str) -> None:
    async with connected(era) as client:
        templates = (await client.list_resource_templates()).resource_templates
        assert [one.uri_template for one in templates][:2] == ["klaviyo://guide/{name}", "klaviyo://profile/{id}"]
        assert {one.name for one in templates} == {"guide", *registry().addresses}
        ref = mcp_types.ResourceTemplateReference(uri="klaviyo://list/{id}")
        id_ = (await client.complete(ref, {"name": "id", "value": ""})).completion.values[0]
        assert f'"id":"{id_}"' in text_of(await client.read_resource(f"klaviyo://list/{id_}"))


def test_the_addresses_of_records_are_of_reads_and_their_arguments_exist() -> None:
    for operation, address in registry().addresses.values():
        assert operation.effect is Effect.READ
        assert len(operation.path_ids) == 1
        assert set(address.arguments) <= set(operation.arguments.model_fields)
        assert not address.completes_ids or operation.resource in registry().collections


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("klaviyo://flows/x", "there is no resource at 'klaviyo://flows/x'; there is klaviyo://flow/…"),
        ("klaviyo://flow/", "an id is missing: klaviyo://flow/<id>"),
        ("klaviyo://flow", "an id is missing: klaviyo://flow/<id>"),
        ("https://example.com/", "there is no resource at 'https://example.com/'; there is klaviyo://guide/… and"),
        ("klaviyo://guide/../settings", "there is no guide '../settings'; there are"),
        ("klaviyo://list/..%2Fprofiles", "get_list was not sent: list_id"),
        ("klaviyo://list/a%2Fb", "get_list was not sent: list_id"),
        ("klaviyo://list/nope", "get_list found nothing by that id (404)"),
    ],
)
async def test_a_wrong_address_is_refused_and_reads_nothing_else(address: str, message: str) -> None:
    async with connected() as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(address)
    assert raised.value.error.code == mcp_types.INVALID_PARAMS
    assert raised.value.error.message.startswith(message)
    assert raised.value.error.data == {"uri": address}


async def test_a_record_without_a_key_says_how_to_get_one() -> None:
    async with connected(sandbox=False) as client:
        with pytest.raises(MCPError, match="No Maton API key is set"):
            await client.read_resource("klaviyo://list/Y6nRLr")


@pytest.mark.parametrize("status", [200, 400, 404])
async def test_a_gateway_that_sends_the_key_back_shows_it_in_no_record(status: int) -> None:
    key = "mtn_secret-of-the-operator"
    record = {"data": {"type": "list", "id": "L1", "attributes": {"name": f"key {key}"}}}
    errors = {"errors": [{"detail": f"key {key}"}]}

    def client_of_gateway() -> GatewayClient:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, json=record if status == 200 else errors))
        return GatewayClient(key="another", connection="c1", transport=transport, pacer=Pacer(enabled=False))

    calls = CallService(load_settings({}, {"MATON_API_KEY": key, "MATON_CONNECTION": "c1"}), client_of_gateway)
    async with Client(server.create_server(calls)) as client:
        try:
            text = text_of(await client.read_resource("klaviyo://list/L1"))
        except MCPError as error:
            text = error.error.message
    assert "key [hidden]" in text
    assert key not in text
