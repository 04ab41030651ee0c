"""Bodies and media types of requests."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import HEADERS, only_error, send

from klaviyo_mcp.sandbox.app import Sandbox

pytestmark = pytest.mark.anyio
LIST = {"data": {"type": "list", "attributes": {"name": "A"}}}


async def test_another_media_type_is_refused(sandbox: Sandbox) -> None:
    response = await send(
        sandbox, "POST", "/klaviyo/api/lists", {**HEADERS, "content-type": "text/plain"}, content="{}"
    )
    assert response.status_code == only_error(response.json())["status"] == 415


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "null"])
async def test_a_body_that_is_no_json_object_is_refused(sandbox: Sandbox, body: str) -> None:
    headers = {**HEADERS, "content-type": "application/vnd.api+json"}
    response = await send(sandbox, "POST", "/klaviyo/api/lists", headers, content=body)
    assert response.status_code == only_error(response.json())["status"] == 400


async def test_plain_json_is_accepted_as_json_api(sandbox: Sandbox) -> None:
    assert (await send(sandbox, "POST", "/klaviyo/api/lists", json=LIST)).status_code == 201


async def test_a_malformed_body_is_recorded_as_text(sandbox: Sandbox) -> None:
    headers = {**HEADERS, "content-type": "application/json"}
    await send(sandbox, "POST", "/klaviyo/api/lists", headers, content='{"data":')
    assert sandbox.requests[-1].body == '{"data":'
