"""Templates: created, rendered, cloned and deleted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox.sandbox_api import Api

from klaviyo_mcp.sandbox.behaviour.templates import fill_variables

HTML = "<p>Hi {{ person.first_name|default:'friend' }}, {{ shop }}</p>"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"person": {"first_name": "Ada"}, "shop": "X"}, "<p>Hi Ada, X</p>"),
        ({}, "<p>Hi friend, </p>"),
    ],
)
async def test_a_template_is_rendered_with_a_context(api: Api, context: dict[str, Any], expected: str) -> None:
    template = await api.create("template", "templates", name="T", editor_type="CODE", html=HTML)
    body = {"type": "template", "id": template["id"], "attributes": {"context": context}}
    assert (await api.post("template-render", {"data": body}))["data"]["attributes"]["html"] == expected


@pytest.mark.anyio
async def test_a_template_is_cloned_and_deleted(api: Api) -> None:
    template = await api.create("template", "templates", name="T", editor_type="CODE", html=HTML)
    body = {"type": "template", "id": template["id"], "attributes": {"name": "Copy"}}
    clone = (await api.post("template-clone", {"data": body}))["data"]
    assert (clone["attributes"]["name"], clone["attributes"]["html"]) == ("Copy", HTML)
    assert await api.ids("templates", filter='contains(name,"cop")') == [clone["id"]]
    await api.delete(f"templates/{template['id']}")
    await api.get(f"templates/{template['id']}", 404)


@pytest.mark.anyio
async def test_a_template_of_another_editor_is_refused(api: Api) -> None:
    await api.post("templates", {"data": {"type": "template", "attributes": {"name": "T", "editor_type": "WORD"}}}, 400)


def test_only_variables_are_replaced() -> None:
    assert fill_variables("{% if x %} {{ }} {{ a.b }}", {"a": {"b": 3}}) == "{% if x %} {{ }} 3"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("editor", "change", "status"),
    [
        ("SYSTEM_DRAGGABLE", {"html": "<p>x</p>"}, 400),
        ("SYSTEM_DRAGGABLE", {"amp": "<html amp4email></html>"}, 400),
        ("SYSTEM_DRAGGABLE", {"name": "N", "text": "x"}, 200),
        ("USER_DRAGGABLE", {"html": "<p>x</p>"}, 200),
    ],
)
async def test_an_update_takes_the_content_of_the_editor_alone(
    api: Api, editor: str, change: dict[str, Any], status: int
) -> None:
    template = await api.create("template", "templates", name="T", editor_type="CODE", html="<p></p>")
    stored = api.sandbox.store.get("template", template["id"])
    assert stored is not None
    stored.attributes["editor_type"] = editor
    body = {"type": "template", "id": template["id"], "attributes": change}
    answer = await api.patch(f"templates/{template['id']}", {"data": body}, status)
    if status == 400:
        assert answer["errors"][0]["source"] == {"pointer": f"/data/attributes/{next(iter(change))}"}
