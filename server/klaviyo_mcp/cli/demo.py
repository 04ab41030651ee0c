"""A tour of the sandbox through an MCP client in this process: each call, and the answer that a model would see."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mcp.client.client import Client

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.call import PrintLine, result_text
from klaviyo_mcp.protocol import server

SHOWN_LINES = 8
LINE_CHARACTERS = 240


class Tour:
    """Calls tools and prints each call with its answer; counts the calls and the bytes of the answers."""

    def __init__(self, client: Client, print_line: PrintLine) -> None:
        self._client = client
        self._print_line = print_line
        self.calls = 0
        self.bytes = 0

    async def step(self, comment: str, tool: str, **arguments: Any) -> str:
        """Call a tool and return its answer; a call that asks for a confirmation is sent again with its code."""
        self._print_line(
            f"\n# {comment}\n> {tool} {json.dumps(arguments, ensure_ascii=False) if arguments else ''}".rstrip()
        )
        result = await self._client.call_tool(tool, arguments)
        text = result_text(result)
        self.calls += 1
        self.bytes += len(text.encode())
        self._print_line(_shortened(text))
        code = re.search(r'confirmation="?([\w-]+)', text)
        if code and not arguments.get("confirmation"):
            return await self.step("Confirmed by a person.", tool, **arguments, confirmation=code[1])
        return text


def _shortened(text: str) -> str:
    lines = [line if len(line) <= LINE_CHARACTERS else f"{line[: LINE_CHARACTERS - 1]}…" for line in text.splitlines()]
    more = [f"… {len(lines) - SHOWN_LINES} more lines"] if len(lines) > SHOWN_LINES else []
    return "\n".join(f"  {line}" for line in [*lines[:SHOWN_LINES], *more])


def ids_in(text: str) -> list[str]:
    """The ids in an answer: of all rows of a collection, or of a single record."""
    lines = text.splitlines()
    header = next((index for index, line in enumerate(lines) if line == "id" or line.startswith("id,")), None)
    if header is None:
        return re.findall(r'"id":"([^"]+)"', text)[:1]
    return [row[0] for row in csv.reader(lines[header + 1 :]) if len(row) > 1]


async def take_tour(tour: Tour) -> None:
    """Show what an agent would do first in an account."""
    await tour.step("Whose account is this?", "get_accounts")
    newest = await _meet_profiles(tour)
    await _look_at_messages(tour)
    await _fill_a_list(tour, ids_in(newest)[:3])
    await _measure_orders(tour)
    await tour.step("The answer to a mistake.", "get_profiles", filter='equals(emial,"a@example.com")')
    created = await tour.step(
        "A profile is created …",
        "create_profile",
        email="tour.guest@example.com",
        first_name="Tove",
        location={"city": "Bergen", "country": "Norway"},
        properties={"shoe_size": 39},
    )
    await tour.step("… and read back.", "get_profile", profile_id=ids_in(created)[0])


async def _meet_profiles(tour: Tour) -> str:
    """Count the profiles and list the newest. Returns the list's answer."""
    await tour.step("Where do its customers live? Counted, not read.", "get_profiles", count_by="location.country")
    return await tour.step(
        "Who came last? Only the columns asked for are sent.",
        "get_profiles",
        sort="-created",
        max_results=5,
        fields=["email", "first_name", "location.city", "created"],
    )


async def _look_at_messages(tour: Tour) -> None:
    """Show the campaigns, and a live flow down to its first message."""
    await tour.step(
        "The e-mail campaigns and their messages.",
        "get_campaigns",
        filter='equals(messages.channel,"email")',
        sort="-created_at",
        include=["campaign-messages", "tags"],
        max_results=5,
    )
    flows = await tour.step("The live flows.", "get_flows", filter='equals(status,"live")')
    actions = await tour.step("The actions of the first.", "get_actions_for_flow", flow_id=ids_in(flows)[0])
    for action in ids_in(actions):
        messages = await tour.step("The message it sends.", "get_flow_action_messages", flow_action_id=action)
        if ids_in(messages):
            break


async def _fill_a_list(tour: Tour, profile_ids: Sequence[str]) -> None:
    """Read a segment, then make a list and put profiles on it."""
    segments = await tour.step("The segments.", "get_segments")
    await tour.step(
        "The members of the first.", "get_profiles_for_segment", segment_id=ids_in(segments)[0], max_results=4
    )
    new_list = await tour.step("A new list …", "create_list", name="Tour guests")
    list_id = ids_in(new_list)[0]
    await tour.step("… with people on it …", "add_profiles_to_list", list_id=list_id, profile_ids=list(profile_ids))
    await tour.step("… and its members.", "get_profiles_for_list", list_id=list_id)


async def _measure_orders(tour: Tour) -> None:
    """Show the metrics, and the orders of the last week."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    metrics = await tour.step("The metrics.", "get_metrics", fields=["name", "integration.name"])
    orders = next(row[0] for row in csv.reader(metrics.splitlines()) if len(row) > 1 and row[1] == "Placed Order")
    await tour.step(
        "Orders and revenue of the last days.",
        "query_metric_aggregates",
        metric_id=orders,
        measurements=["count", "sum_value"],
        interval="day",
        filter=[
            f"greater-or-equal(datetime,{today - timedelta(days=7):%Y-%m-%dT%H:%M:%SZ})",
            f"less-than(datetime,{today:%Y-%m-%dT%H:%M:%SZ})",
        ],
    )


async def show_demo(service: CallService, print_line: PrintLine) -> int:
    """Print the tour, with its cost at the end. Returns the exit code 0."""
    started_at = time.perf_counter()
    try:
        async with Client(server.create_server(service)) as client:
            tour = Tour(client, print_line)
            tools = await client.list_tools()
            print_line(f"klaviyo-mcp over its sandbox: {len(tools.tools)} tools")
            await take_tour(tour)
    finally:
        await service.aclose()
    seconds = time.perf_counter() - started_at
    print_line(f"\n{tour.calls} calls, {tour.bytes:,} bytes of answers, {seconds:.1f} s")
    return 0
