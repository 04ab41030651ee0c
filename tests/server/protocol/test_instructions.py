"""The instructions: short enough for every client, and true about the tools and guides that they name."""

from __future__ import annotations

import pytest
from tests.server.sandbox_server import client, sandbox_server

from klaviyo_mcp.calls.guides.guide import GUIDES
from klaviyo_mcp.calls.inventory import DISCOVERY_TOOLS
from klaviyo_mcp.protocol.instructions import INSTRUCTIONS, MAX_CHARACTERS

pytestmark = pytest.mark.anyio


def test_instructions_are_short_enough_for_every_client() -> None:
    assert MAX_CHARACTERS == 2_000
    assert len(INSTRUCTIONS) <= MAX_CHARACTERS


def test_instructions_name_every_guide_and_discovery_tool() -> None:
    for name in (*GUIDES, *DISCOVERY_TOOLS):
        assert name in INSTRUCTIONS


async def test_a_client_gets_the_instructions_when_it_connects() -> None:
    async with client(sandbox_server(toolsets=("none",)).calls, "legacy") as session:
        assert session.instructions == INSTRUCTIONS
        assert {tool.name for tool in (await session.list_tools()).tools} == set(DISCOVERY_TOOLS)
