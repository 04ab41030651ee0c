"""Templates and universal content: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.templates import area
from klaviyo_tools.operation.facts import AnswerKind, Effect
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]


@pytest.mark.parametrize(
    ("definition", "refusal"),
    [
        ({}, "takes content_type, type and data, and nothing else: {"),
        (
            {"content_type": "block", "type": "text", "data": {}, "name": "x"},
            "takes content_type, type and data, and nothing else: {",
        ),
        ({"content_type": "html", "type": "text", "data": {}}, "content_type is always block: {"),
        (
            {"content_type": "block", "type": "txt", "data": {}},
            "block type 'txt' is unknown; did you mean text?",
        ),
        (
            {"content_type": "block", "type": "html", "data": {"content": "<p>"}},
            "the data of type html needs content, display_options ({} where empty): {",
        ),
    ],
)
def test_a_block_that_klaviyo_would_refuse_is_not_sent(
    refusal_of: RefusalOf, definition: dict[str, object], refusal: str
) -> None:
    assert refusal_of("create_universal_content", name="Footer", definition=definition).startswith(
        f"definition: {refusal}"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "refusal"),
    [
        ("create_template", {"name": "Welcome"}, "editor_type is required"),
        (
            "create_template",
            {"name": "Welcome", "editor_type": "HTML"},
            "editor_type: should be 'CODE', 'USER_DRAGGABLE' or 'SYSTEM_DRAGGABLE', not \"HTML\"",
        ),
        ("update_template", {"template_id": "T", "editor_type": "CODE"}, "unknown argument 'editor_type': it takes "),
        ("render_template", {"template_id": "T"}, "context is required"),
    ],
)
def test_a_template_needs_the_arguments_that_klaviyo_requires(
    refusal_of: RefusalOf, name: str, arguments: dict[str, object], refusal: str
) -> None:
    assert refusal_of(name, **arguments).startswith(refusal)


def test_a_welcome_e_mail(request_of: RequestOf) -> None:
    html = "<html><body><h1>Welcome!</h1></body></html>"
    assert request_of("create_template", name="Welcome Email", editor_type="CODE", html=html) == Request(
        "POST",
        "/api/templates",
        {},
        {
            "data": {
                "type": "template",
                "attributes": {"name": "Welcome Email", "editor_type": "CODE", "html": html},
            }
        },
    )


def test_a_templates_html_is_replaced(request_of: RequestOf) -> None:
    assert request_of("update_template", template_id="WJ3wbV", html="<p>Hi</p>") == Request(
        "PATCH",
        "/api/templates/WJ3wbV",
        {},
        {"data": {"type": "template", "id": "WJ3wbV", "attributes": {"html": "<p>Hi</p>"}}},
    )


def test_templates_by_name(request_of: RequestOf) -> None:
    assert request_of("get_templates", filter='contains(name,"Order")', sort="-updated") == Request(
        "GET", "/api/templates", {"filter": 'contains(name,"Order")', "sort": "-updated"}
    )


def test_a_template_is_rendered_and_copied_by_the_id_in_the_body(request_of: RequestOf) -> None:
    assert request_of("render_template", template_id="WJ3wbV", context={"first_name": "Ana"}) == Request(
        "POST",
        "/api/template-render",
        {},
        {"data": {"type": "template", "id": "WJ3wbV", "attributes": {"context": {"first_name": "Ana"}}}},
    )
    assert request_of("clone_template", template_id="WJ3wbV") == Request(
        "POST", "/api/template-clone", {}, {"data": {"type": "template", "id": "WJ3wbV", "attributes": {}}}
    )
    assert request_of("clone_template", template_id="WJ3wbV", name="Copy").body == {
        "data": {"type": "template", "id": "WJ3wbV", "attributes": {"name": "Copy"}}
    }


def test_a_shared_footer(request_of: RequestOf) -> None:
    block = {
        "content_type": "block",
        "type": "text",
        "data": {"content": "<p>Storgata 1, Oslo</p>", "display_options": {}, "styles": {}},
    }
    sent = request_of("create_universal_content", name="Footer", definition=block)
    assert (sent.method, sent.path) == ("POST", "/api/template-universal-content")
    assert sent.body == {
        "data": {"type": "template-universal-content", "attributes": {"name": "Footer", "definition": block}}
    }
    changed = request_of("update_universal_content", universal_content_id="01U", definition=block)
    assert (changed.method, changed.path) == ("PATCH", "/api/template-universal-content/01U")
    assert changed.body == {
        "data": {"type": "template-universal-content", "id": "01U", "attributes": {"definition": block}}
    }


def test_a_line_has_no_data(request_of: RequestOf) -> None:
    block = {"content_type": "block", "type": "horizontal-rule", "data": None}
    sent = request_of("create_universal_content", name="Line", definition=block)
    assert sent.body["data"]["attributes"]["definition"] == {**block, "type": "horizontal_rule"}


def test_universal_content_by_type(request_of: RequestOf) -> None:
    sent = request_of("get_all_universal_content", filter='equals(definition.type,"text")')
    assert sent == Request("GET", "/api/template-universal-content", {"filter": 'equals(definition.type,"text")'})


def test_rendering_is_a_read_that_answers_a_record() -> None:
    render = area.operations["render_template"]
    assert (render.effect, render.answer, render.scopes) == (Effect.READ, AnswerKind.RECORD, ("templates:read",))
