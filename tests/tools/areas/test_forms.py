"""Forms: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.forms import EXAMPLE, HINT, area
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

DEFINITION = {"versions": [{"type": "popup", "steps": [{"columns": [{"rows": [{"blocks": []}]}]}]}]}


@pytest.mark.parametrize(
    ("definition", "refusal"),
    [
        ({}, "takes versions, a list, and nothing else"),
        ({"versions": []}, "takes versions, a list, and nothing else"),
        ({**DEFINITION, "name": "x"}, "takes versions, a list, and nothing else"),
        ({"versions": [{}]}, "versions.0 needs steps, a list"),
        ({"versions": [{"steps": ["x"]}]}, "each step in versions.0 is an object with columns, a list"),
    ],
)
def test_a_form_without_its_outer_shape_is_not_sent(
    refusal_of: RefusalOf, definition: dict[str, object], refusal: str
) -> None:
    read = refusal_of("create_form", name="Exit", status="draft", ab_test=False, definition=definition)
    assert read == f"definition: {refusal}: {HINT}"
    assert f"{EXAMPLE}; describe_tool(klaviyo://guide/form-definition) says more" == HINT


def test_a_form_needs_the_arguments_that_klaviyo_requires(refusal_of: RefusalOf) -> None:
    assert refusal_of("create_form", name="Exit") == (
        'definition is required, such as {"versions": [{"type": "popup", "steps": [{"columns": [{"rows": [{"blocks": '
        '[{"type": "email", "properties": {"label": "E-mail"}}]}]}]}]}]}; status is required (live shows it to '
        "visitors); ab_test is required (true with several versions)"
    )


def test_forms_that_are_live(request_of: RequestOf) -> None:
    assert request_of("get_forms", filter='equals(status,"live")', sort="-updated_at") == Request(
        "GET", "/api/forms", {"filter": 'equals(status,"live")', "sort": "-updated_at"}
    )


def test_versions_of_a_form(request_of: RequestOf) -> None:
    assert request_of("get_versions_for_form", form_id="Y6nRLr", filter={"form_type": "popup"}) == Request(
        "GET", "/api/forms/Y6nRLr/form-versions", {"filter": 'equals(form_type,"popup")'}
    )


def test_the_definition_of_a_form_is_sent_unchanged(request_of: RequestOf) -> None:
    sent = request_of("create_form", name="Exit", status="draft", ab_test="false", definition=DEFINITION)
    assert sent == Request(
        "POST",
        "/api/forms",
        {},
        {
            "data": {
                "type": "form",
                "attributes": {"name": "Exit", "definition": DEFINITION, "status": "draft", "ab_test": False},
            }
        },
    )


def test_only_a_form_by_its_id_answers_its_definition() -> None:
    assert "definition" in accepted_fields(area.operations["get_form"], "2026-01-15")["form"]
    assert "definition" not in accepted_fields(area.operations["get_forms"], "2026-01-15")["form"]
