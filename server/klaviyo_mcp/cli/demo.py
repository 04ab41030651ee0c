"""A tour of the sandbox through a real MCP client in this process: each call, and the answer a model would see."""

from __future__ import annotations

import csv
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp.client.client import Client

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.call import PrintLine, result_text
from klaviyo_mcp.protocol import server

SHOWN_LINES = 8
LINE_CHARACTERS = 240


class Tour:
    """Calls tools, shows what happens, and remembers the answers."""

    def __init__(self, client: Client, say: PrintLine) -> None:
        self._client = client
        self._say = say
        self.calls = 0
        self.bytes = 0

    async def step(self, why: str, tool: str, **arguments: Any) -> str:
        """One call; answers with its text. A call that asks for confirmation is confirmed, as a person would."""
        self._say(f"\n# {why}\n> {tool} {json.dumps(arguments, ensure_ascii=False) if arguments else ''}".rstrip())
        result = await self._client.call_tool(tool, arguments)
        text = result_text(result)
        self.calls += 1
        self.bytes += len(text.encode())
        self._say(_shortened(text))
        code = re.search(r'confirmation="?([\w-]+)', text)
        if code and not arguments.get("confirmation"):
            return await self.step("Confirmed by a person.", tool, **arguments, confirmation=code[1])
        return text


def _shortened(text: str) -> str:
    lines = [line if len(line) <= LINE_CHARACTERS else f"{line[: LINE_CHARACTERS - 1]}…" for line in text.splitlines()]
    more = [f"… {len(lines) - SHOWN_LINES} more lines"] if len(lines) > SHOWN_LINES else []
    return "\n".join(f"  {line}" for line in [*lines[:SHOWN_LINES], *more])


def ids_in(text: str) -> list[str]:
    """The ids in an answer: of the rows of a collection, or of the one record."""
    lines = text.splitlines()
    header = next((index for index, line in enumerate(lines) if line == "id" or line.startswith("id,")), None)
    if header is None:
        return re.findall(r'"id":"([^"]+)"', text)[:1]
    return [row[0] for row in csv.reader(lines[header + 1 :]) if len(row) > 1]


async def take_tour(visit: Tour) -> None:
    """The tour itself."""
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await visit.step("Whose account is this?", "get_accounts")
    await visit.step("Where do its customers live? Counted, not read.", "get_profiles", count_by="location.country")
    newest = await visit.step(
        "Who came last? Only the columns asked for are sent.",
        "get_profiles",
        sort="-created",
        max_results=5,
        fields=["email", "first_name", "location.city", "created"],
    )
    await visit.step(
        "The e-mail campaigns, with what each says.",
        "get_campaigns",
        filter='equals(messages.channel,"email")',
        sort="-created_at",
        include=["campaign-messages", "tags"],
        max_results=5,
    )
    flows = await visit.step("The flows that run.", "get_flows", filter='equals(status,"live")')
    actions = await visit.step("What the first one does.", "get_actions_for_flow", flow_id=ids_in(flows)[0])
    for action in ids_in(actions):
        messages = await visit.step("The message it sends.", "get_flow_action_messages", flow_action_id=action)
        if ids_in(messages):
            break
    segments = await visit.step("The segments.", "get_segments")
    await visit.step("Who is in the first.", "get_profiles_for_segment", segment_id=ids_in(segments)[0], max_results=4)
    made = await visit.step("A new list …", "create_list", name="Tour guests")
    list_id = ids_in(made)[0]
    await visit.step("… with people on it …", "add_profiles_to_list", list_id=list_id, profile_ids=ids_in(newest)[:3])
    await visit.step("… who are on it now.", "get_profiles_for_list", list_id=list_id)
    metrics = await visit.step("What is measured.", "get_metrics", fields=["name", "integration.name"])
    orders = next(row[0] for row in csv.reader(metrics.splitlines()) if len(row) > 1 and row[1] == "Placed Order")
    await visit.step(
        "Orders and revenue of the last days.",
        "query_metric_aggregates",
        metric_id=orders,
        measurements=["count", "sum_value"],
        interval="day",
        filter=[
            f"greater-or-equal(datetime,{now - timedelta(days=7):%Y-%m-%dT%H:%M:%SZ})",
            f"less-than(datetime,{now:%Y-%m-%dT%H:%M:%SZ})",
        ],
    )
    await visit.step("What a mistake is answered with.", "get_profiles", filter='equals(emial,"a@example.com")')
    created = await visit.step(
        "A profile is created …",
        "create_profile",
        email="tour.guest@example.com",
        first_name="Tove",
        location={"city": "Bergen", "country": "Norway"},
        properties={"shoe_size": 39},
    )
    await visit.step("… and read back.", "get_profile", profile_id=ids_in(created)[0])


async def show_demo(calls: CallService, say: PrintLine) -> int:
    """Show the tour; the exit code is 0."""
    began = time.perf_counter()
    try:
        async with Client(server.create_server(calls)) as client:
            visit = Tour(client, say)
            tools = await client.list_tools()
            say(f"klaviyo-mcp over its sandbox: {len(tools.tools)} tools")
            await take_tour(visit)
    finally:
        await calls.aclose()
    seconds = time.perf_counter() - began
    say(f"\n{visit.calls} calls, {visit.bytes:,} bytes of answers, {seconds:.1f} s")
    return 0
