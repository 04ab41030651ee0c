from __future__ import annotations

import asyncio
import asyncio.events
import inspect
import json
from collections import Counter
from typing import Any

from benchmarks.measurements import Share
from benchmarks.profiles import import_groups, own_functions, room_of, rooms, shares
from benchmarks.sampler import EVENT_LOOP, place_of

REPORT = """import time: self [us] | cumulative | imported package
import time:      1500 |       1500 |   klaviyo_mcp.cli.main
import time:       500 |       2000 | klaviyo_tools.registry
import time:      4000 |       4000 |     json.decoder
import time:      7000 |       7000 | mcp_types
import time:       250 |        250 | anyio
a line of the log
"""


def test_imports_are_added_up_by_whose_modules_they_are() -> None:
    assert import_groups(REPORT) == {
        "this server": 2.0,
        "the standard library": 4.0,
        "mcp": 7.0,
        "libraries of mcp": 0.25,
    }


def test_a_sample_counts_for_a_room_or_a_library() -> None:
    assert room_of("klaviyo_mcp/answers/rows.py:row") == "klaviyo_mcp/answers"
    assert room_of("klaviyo_tools/jsonapi/records.py:flatten_document") == "klaviyo_tools/jsonapi"
    assert room_of("klaviyo_mcp/settings.py:load") == "klaviyo_mcp/settings.py"
    assert room_of("pydantic/main.py:model_validate") == "pydantic"
    assert room_of(EVENT_LOOP) == EVENT_LOOP


def test_shares_are_parts_of_a_call_s_processor_time() -> None:
    samples = {"klaviyo_mcp/answers/rows.py:row": 2, "klaviyo_mcp/answers/csv.py:line": 1, "h11/_state.py:step": 1}
    assert shares(rooms(samples), 2.0) == [Share("klaviyo_mcp/answers", 1.5), Share("h11", 0.5)]
    own = own_functions(samples)
    assert shares(own, 2.0, sum(samples.values()))[0] == Share("klaviyo_mcp/answers/rows.py:row", 1.0)
    assert shares(Counter(), 2.0) == []


def place_in(path: str) -> str:
    """The place of a function in this file."""
    names: dict[str, Any] = {"place_of": place_of, "currentframe": inspect.currentframe}
    exec(compile("def function():\n    return place_of(currentframe())", path, "exec"), names)
    return str(names["function"]())


def test_the_standard_library_counts_for_its_caller() -> None:
    assert place_in(json.__file__).endswith("test_profiles.py:place_in")


def test_a_library_and_our_packages_count_for_themselves() -> None:
    assert place_in("/here/.venv/lib/python3.11/site-packages/httpx/_client.py") == "httpx/_client.py:function"
    assert place_in("/here/klaviyo_mcp/server/klaviyo_mcp/cli/main.py") == "klaviyo_mcp/cli/main.py:function"
    assert place_in("/here/tools/klaviyo_tools/registry.py") == "klaviyo_tools/registry.py:function"


def test_what_the_event_loop_calls_counts_for_it() -> None:
    async def step() -> str:
        return place_in_the_loop()

    def place_in_the_loop() -> str:
        frame = inspect.currentframe()
        while frame is not None and frame.f_code.co_filename != asyncio.events.__file__:
            frame = frame.f_back
        return place_of(frame)

    assert asyncio.run(step()) == EVENT_LOOP


def test_what_no_function_called_is_the_event_loop_s() -> None:
    assert place_of(None) == EVENT_LOOP
