"""Lists and segments."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api

pytestmark = pytest.mark.anyio

CONDITION = {"type": "profile-group-membership", "is_member": True, "group_ids": ["x"]}


async def test_a_segment_is_processing_until_it_is_read_again(api: Api) -> None:
    definition = {"condition_groups": [{"conditions": [CONDITION]}]}
    segment = await api.create("segment", "segments", name="S", definition=definition)
    reads = [(await api.attributes(f"segments/{segment['id']}"))["is_processing"] for _ in range(2)]
    assert [segment["attributes"]["is_processing"], *reads] == [True, True, False]


async def test_a_segment_without_definition_is_refused(api: Api) -> None:
    await api.post("segments", {"data": {"type": "segment", "attributes": {"name": "S"}}}, 400)


async def test_a_list_is_double_opt_in_by_default(api: Api) -> None:
    assert (await api.create("list", "lists", name="L"))["attributes"]["opt_in_process"] == "double_opt_in"
