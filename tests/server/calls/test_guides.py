"""Guides: every example in them can be sent as it stands, and every tool and guide that they name exists."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.contract.openapi import openapi_documents

from klaviyo_mcp.calls.guides.guide import GUIDE_PREFIX, GUIDES, find_guide
from klaviyo_mcp.calls.inventory import DISCOVERY_TOOLS
from klaviyo_tools.areas.flows import ACTION_TYPES
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.drift.openapi import Document
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry

FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
EXAMPLES = [
    pytest.param(name, tool, text, id=f"{name}-{at}-{tool}")
    for name in GUIDES
    for at, (_, tool, text) in enumerate(FENCE.findall(find_guide(name).text))
]
WORD = re.compile(r"`([a-z]+(?:_[a-z]+)+)(?:\([^`]*\))?`")


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    """Klaviyo's documents: the shipped contract, which checks no definition to its depth, and what was published."""
    return [Document(content) for content in openapi_documents("2026-01-15").values()]


def test_spellings_of_a_name_share_one_guide() -> None:
    """What is kept is bounded by the names, not by what somebody asks for."""
    guide = find_guide("filters")
    assert all(find_guide(f"{' ' * n}filters{' ' * n}") is guide for n in range(50))


def test_a_guide_is_a_page_that_a_model_can_afford() -> None:
    assert len(GUIDES) == 8
    for name in GUIDES:
        one = find_guide(name)
        assert one.text.startswith(f"# {one.title}\n")
        assert 10 <= len(one.description) <= 120
        assert 2_000 <= len(one.text.encode()) <= 8_000, name
        assert all(len(line) <= 180 for line in one.text.splitlines()), name


@pytest.mark.parametrize(("name", "tool", "text"), EXAMPLES)
def test_an_example_passes_our_own_check(name: str, tool: str, text: str) -> None:
    operation = registry()[tool]
    operation.request(check_arguments(operation.arguments, json.loads(text)))


@pytest.mark.parametrize(("name", "tool", "text"), EXAMPLES)
def test_an_example_is_valid_for_klaviyo(name: str, tool: str, text: str, documents: list[Document]) -> None:
    operation = registry()[tool]
    request = operation.request(check_arguments(operation.arguments, json.loads(text)))
    for document in documents:
        described = document.body_schema(tool)
        if described is None:
            assert request.body is None
        else:
            assert document.validate(described[1], request.body) == []


def test_every_example_says_which_tool_it_is_for() -> None:
    fences = [fence for name in GUIDES for fence in FENCE.findall(find_guide(name).text)]
    assert {language for language, _, _ in fences} == {"json"}
    assert [text for _, tool, text in fences if not tool] == []
    assert len(fences) > 30


@pytest.mark.parametrize("name", GUIDES)
def test_every_tool_that_a_guide_names_exists(name: str) -> None:
    verbs = {operation.partition("_")[0] for operation in (*registry(), *DISCOVERY_TOOLS)} - {"list", "send", "tag"}
    words = {word for word in WORD.findall(find_guide(name).text) if word.partition("_")[0] in verbs}
    # What begins with the same word: a button of a form, options of a message.
    others = {"subscribe_via_sms", "add_org_prefix", "add_opt_out_language", "render_options"}
    assert words - set(registry()) - set(DISCOVERY_TOOLS) - others == set()


@pytest.mark.parametrize("name", GUIDES)
def test_every_guide_that_a_guide_names_exists(name: str) -> None:
    for found in re.findall(r"klaviyo://guide/([\w-]+)", find_guide(name).text):
        assert found in GUIDES


def test_addresses_in_guides_are_invented() -> None:
    for name in GUIDES:
        assert set(re.findall(r"@([\w.-]+\.\w+)", find_guide(name).text)) <= {"example.com"}


def test_a_guide_is_found_by_name_and_by_address() -> None:
    assert find_guide("filters") is not None
    assert find_guide(f"{GUIDE_PREFIX}filters").text == find_guide("guide/filters").text == find_guide("filters").text


def test_an_unknown_guide_names_the_nearest() -> None:
    with pytest.raises(LookupError, match=r"^\"?there is no guide 'segments'; did you mean segment-definition"):
        find_guide("segments")


OPEN: dict[str, tuple[str, dict[str, Any]]] = {
    "create_segment": ("segment-definition", {"name": "x", "definition": {}}),
    "update_segment": ("segment-definition", {"segment_id": "x", "definition": {"condition_groups": [{}]}}),
    "create_flow": ("flow-definition", {"name": "x", "definition": {"triggers": []}}),
    "update_flow_action": ("flow-definition", {"flow_action_id": "x", "definition": {"data": {}}}),
    "create_form": ("form-definition", {"name": "x", "status": "draft", "ab_test": False, "definition": {}}),
}


@pytest.mark.parametrize("tool", OPEN)
def test_a_tool_with_an_open_definition_names_its_guide_in_the_schema_and_in_the_error(tool: str) -> None:
    name, wrong = OPEN[tool]
    operation = registry()[tool]
    field = operation.arguments.model_fields["definition"]
    assert f"{GUIDE_PREFIX}{name}" in (field.description or "")
    with pytest.raises(ArgumentsError) as caught:
        check_arguments(operation.arguments, wrong)
    assert str(caught.value).endswith(f"; describe_tool({GUIDE_PREFIX}{name}) says more")
    assert len(str(caught.value).encode()) <= 500


def test_actions_of_flows_are_called_as_klaviyo_calls_them() -> None:
    for name in ("flow-definition", "channels"):
        verbs = "send|time|target|countdown|conditional|trigger|update|list|ab"
        named = set(re.findall(rf"`((?:{verbs})-[a-z-]+)`", find_guide(name).text))
        assert named - set(ACTION_TYPES) == set()
        assert "send-mobile-push" in named


def test_guides_warn_where_people_are_reached() -> None:
    reaching = [name for name in registry() if registry()[name].effect is Effect.REACHES_PEOPLE]
    for name in GUIDES:
        text = find_guide(name).text
        if name in ("consent", "campaign-message", "flow-definition"):
            assert any(f"`{tool}" in text for tool in reaching)
            assert "confirmation" in text


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys(inner)}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()


def test_examples_hold_no_ids_that_klaviyo_gives_itself_when_creating() -> None:
    for param in EXAMPLES:
        _, tool, text = param.values
        if tool in ("create_form", "create_segment"):
            assert "id" not in keys(json.loads(str(text)))
