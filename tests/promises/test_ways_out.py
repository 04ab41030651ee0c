"""Whatever form the gateway gives the key, no way out of the server shows it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import anyio.to_thread
import mcp_types
import pytest
from mcp.client.client import Client
from mcp.client.session import ClientRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr
from tests.clients.server_processes import COMMAND, environment
from tests.server.fake_gateway import Answer, FakeGateway, fake_gateway
from tests.server.sandbox_server import ERAS

from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.protocol.server import create_server
from klaviyo_mcp.settings import Settings

pytestmark = pytest.mark.anyio

KEY = "mtn_5ecret/0f+the-operator"
FORMS = {
    "plain": KEY,
    "reversed": KEY[::-1],
    "hexadecimal": KEY.encode().hex(),
    "hexadecimal in capitals": KEY.encode().hex().upper(),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 behind one octet": base64.b64encode(f":{KEY}:".encode()).decode(),
    "base64 behind two octets": base64.urlsafe_b64encode(f"a:{KEY}".encode()).decode(),
    "base64 of the header": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "a URL": quote(KEY, safe=""),
    "a URL in small letters": quote(KEY, safe="").lower(),
    "every octet escaped": "".join(f"%{octet:02X}" for octet in KEY.encode()),
    "JSON": json.dumps(KEY)[1:-1].replace("/", "\\/"),
}


def part(form: str) -> str:
    """The middle of a form, which its first and last characters have no part in."""
    return form[5:-6]


def check(text: str, form: str) -> None:
    assert part(form) not in text, text[max(0, text.find(part(form)) - 200) :][:500]


@pytest.fixture(params=list(FORMS.values()), ids=list(FORMS))
async def echo(request: pytest.FixtureRequest) -> AsyncIterator[tuple[FakeGateway, str]]:
    """A gateway that names everything after one form of the key."""
    form: str = request.param
    attributes = {"name": f"x {form} y", "contact_information": {"organization_name": f"x {form} y"}, "html": form}
    record = {"type": "list", "id": "L1", "attributes": attributes}
    connection = {"connection_id": "c1", "status": "ACTIVE", "url": f"https://example.com/{form}", "app": form}

    document = {"connections": [connection], "connection": connection, "links": {}}
    async with fake_gateway(Answer(200, {**document, "data": [record]})) as gateway:
        yield gateway, form


@pytest.mark.parametrize("era", ERAS)
async def test_no_message_to_a_client_shows_the_key(echo: tuple[FakeGateway, str], era: str) -> None:
    gateway, form = echo
    settings = Settings(key=SecretStr(KEY), base_url=gateway.url, toolsets=("all",), confirm="writes")
    said: list[str] = []

    async def answer(context: ClientRequestContext, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        said.append(f"{params.message} {getattr(params, 'url', '')}")
        return mcp_types.ElicitResult(action="accept", content={"confirm": True})

    async def report(progress: float, total: float | None, message: str | None) -> None:
        said.append(str(message))

    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_lists", {}),
        ("get_lists", {"detail": "full"}),
        ("delete_list", {"list_id": "L1"}),
        ("create_connection", {}),
        ("list_connections", {}),
        ("get_list", {"list_id": form}),
        ("find_tools", {"query": form}),
    ]
    service = create_service(settings)
    async with Client(create_server(service), mode=era, elicitation_callback=answer) as client:
        for tool, arguments in calls:
            try:
                result = await client.call_tool(tool, arguments, progress_callback=report)
                said.append(result.model_dump_json())
            except MCPError as error:
                said.append(error.error.model_dump_json())
        for uri in ("klaviyo://list/L1", f"klaviyo://nothing/{quote(form, safe='')}"):
            try:
                said.append((await client.read_resource(uri)).model_dump_json())
            except MCPError as error:
                said.append(error.error.model_dump_json())
        reference = mcp_types.PromptReference(name="audience_growth")
        said.append((await client.complete(reference, {"name": "list", "value": "x"})).model_dump_json())
        said.append((await client.get_prompt("audience_growth", {"list": form})).model_dump_json())
        try:
            await client.get_prompt(form, {})
        except MCPError as error:
            said.append(error.error.model_dump_json())
    await service.aclose()
    assert "[hidden]" in "".join(said)
    check("\n".join(said), form)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["doctor", "call get_lists", "connect --no-browser --timeout 0.1"])
async def test_no_command_prints_the_key(echo: tuple[FakeGateway, str], command: str) -> None:
    gateway, form = echo
    settings = environment(MATON_BASE_URL=gateway.url, MATON_API_KEY=KEY)

    def run() -> str:
        ended = subprocess.run([*COMMAND, *command.split()], env=settings, capture_output=True, stdin=-3)
        return ended.stdout.decode() + ended.stderr.decode()

    said = await anyio.to_thread.run_sync(run)
    assert said
    check(said, form)
