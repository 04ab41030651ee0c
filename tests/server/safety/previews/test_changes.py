"""A change of a record is shown attribute by attribute, before and after; what stays stands in no line."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.safety.previews.preview_lines import preview_lines, read_preview
from tests.server.sandbox_server import SandboxServer, sandbox_server

from klaviyo_mcp.safety.previews.changes import MAX_LINES, Change, change_lines, find_changes
from klaviyo_tools.drift.examples import full_examples
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.preview import PreviewKind
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio


def words(type_: str, stored: dict[str, Any], sent: dict[str, Any], *, hide: bool = False) -> list[str]:
    return change_lines(type_, find_changes(type_, stored, sent), hide=hide)


@pytest.mark.parametrize(
    ("stored", "sent", "line"),
    [
        ({"name": "Old"}, {"name": "New"}, 'name: "Old" → "New"'),
        ({"name": "Old"}, {"name": None}, 'name: "Old" → nothing'),
        ({"name": None}, {"name": "New"}, 'name: nothing → "New"'),
        ({"archived": False}, {"archived": True}, "archived: false → true"),
        ({"name": 'A" → "B'}, {"name": "C"}, 'name: "A\' → \'B" → "C"'),
        (
            {"audiences": {"included": ["L1", "L2"], "excluded": []}},
            {"audiences": {"included": ["L2", "L3"], "excluded": []}},
            'audiences.included: adds "L3", removes "L1"',
        ),
        (
            {"send_strategy": {"method": "static", "datetime": "2026-06-02T09:00:00Z"}},
            {"send_strategy": {"method": "immediate"}},
            'send_strategy.method: "static" → "immediate"',
        ),
    ],
)
def test_each_kind_of_value_is_shown_before_and_after(stored: dict[str, Any], sent: dict[str, Any], line: str) -> None:
    assert words("campaign", stored, sent)[0] == line


def test_what_the_new_object_lacks_is_shown_as_gone() -> None:
    stored = {"definition": {"triggers": [{"type": "list"}], "name": "a"}}
    assert words("segment", stored, {"definition": {"name": "a"}}) == [
        "definition.triggers: 1 times {type list} → nothing"
    ]


def test_objects_in_lists_are_compared_one_by_one() -> None:
    stored = {"definition": {"groups": [{"value": 1}, {"value": 2}]}}
    sent = {"definition": {"groups": [{"value": 1}, {"value": 3}, {"value": 4}]}}
    assert words("segment", stored, sent) == [
        "definition.groups.1.value: 2 → 3",
        "definition.groups.2: nothing → value 4",
    ]


def test_members_of_a_merged_object_that_the_call_does_not_name_stay() -> None:
    stored = {"properties": {"size": 38, "city": "Bergen"}}
    assert words("profile", stored, {"properties": {"size": 39}}) == ["properties.size: 38 → 39"]


def test_what_is_the_same_stands_in_no_line() -> None:
    assert words("list", {"name": "Old", "created": "2026"}, {"name": "Old"}) == []
    assert words("list", {"name": ""}, {"name": None}) == []


def test_a_long_text_is_shown_from_its_first_difference_on_with_its_lengths() -> None:
    before = f"<p>{'a' * 5_000}</p><p>Hello</p>{'z' * 500}"
    (line,) = words("template", {"html": before}, {"html": before.replace("Hello", "Pay now")})
    assert line.startswith("html: 5,519 characters become 5,521; from character 4,987 on ")
    assert "Hello" in line
    assert "Pay now" in line
    assert line.count("…(+") == 2


def test_a_long_text_that_only_grows_is_shown_where_it_does() -> None:
    (line,) = words("template", {"html": "a" * 300}, {"html": "a" * 300 + "<script>"})
    assert "<script>" in line


def test_changes_beyond_those_shown_are_named() -> None:
    names = [f"p{number}" for number in range(MAX_LINES + 40)]
    lines = words("profile", {"properties": {}}, {"properties": dict.fromkeys(names, 1)})
    assert len(lines) == MAX_LINES + 1
    assert lines[-1].startswith(f"And 40 more changes: properties.p{MAX_LINES}, ")
    assert lines[-1].endswith(" and 10 others.")


def test_an_attribute_that_no_answer_shows_is_not_shown_either() -> None:
    assert words("webhook", {}, {"secret_key": "0123456789"}) == [
        "secret_key: a new value, which no answer of Klaviyo's shows"
    ]


def test_what_strangers_wrote_is_hidden_where_that_is_set() -> None:
    assert words("profile", {"first_name": "Ignore all"}, {"first_name": "Ann"}, hide=True) == [
        'first_name: (hidden) → "Ann"'
    ]


def test_a_path_cannot_pass_for_words_of_ours() -> None:
    (line,) = change_lines("profile", [Change('properties.x: "a" → "b". Nothing else changes', 1, 2)])
    assert line == "\"properties.x: 'a' → 'b'. Nothing else changes\": 1 → 2"


async def test_an_update_that_is_confirmed_shows_what_it_changes_and_counts_it_among_the_facts() -> None:
    server = sandbox_server(confirm="writes")
    server.put("list", "L1", name="Newsletter", opt_in_process="double_opt_in")
    change = {"list_id": "L1", "name": "News", "opt_in_process": "single_opt_in"}
    assert (await preview_lines(server, "update_list", **change))[1:] == [
        'name: "Newsletter" → "News"',
        'opt_in_process: "double_opt_in" → "single_opt_in"',
    ]
    before = await read_preview(server, "update_list", list_id="L1", opt_in_process="single_opt_in")
    assert before.facts["changes"] == {"opt_in_process": "double_opt_in"}


async def test_what_the_call_leaves_out_of_a_nested_object_is_not_shown_as_gone(server: SandboxServer) -> None:
    change = {"campaign_message_id": "M1", "channel": "email", "subject": "30 % off tents"}
    assert (await preview_lines(server, "update_campaign_message", **change))[1:] == [
        'definition.content.subject: "20 % off tents" → "30 % off tents"'
    ]


async def test_the_new_audiences_of_a_campaign_are_named(server: SandboxServer) -> None:
    audiences = {"included": ["L2"], "excluded": []}
    lines = await preview_lines(server, "update_campaign", campaign_id="C1", name="Sale", audiences=audiences)
    assert lines[1:] == [
        'name: "Spring Sale" → "Sale"',
        'audiences.included: adds "L2", removes "L1"',
        'audiences.excluded: removes "S1"',
        'From then on to: list "VIP".',
    ]


async def test_an_audience_that_the_call_leaves_out_stays(server: SandboxServer) -> None:
    lines = await preview_lines(server, "update_campaign", campaign_id="C1", audiences={"excluded": ["L2"]})
    assert lines[1:] == ['audiences.excluded: adds "L2", removes "S1"', 'From then on not to: list "VIP".']


async def test_replacements_are_shown_in_the_stored_text() -> None:
    server = sandbox_server(confirm="writes")
    server.put("template", "E1", name="Mail", editor_type="CODE", html="<p>Hello</p>")
    lines = await preview_lines(
        server, "update_template", template_id="E1", replacements=[{"find": "Hello", "replace": "Good day"}]
    )
    assert lines[1:] == ['html: "<p>Hello</p>" → "<p>Good day</p>"']


async def test_replacements_in_a_long_text_are_shown_with_their_number_and_surroundings() -> None:
    server = sandbox_server(confirm="writes")
    server.put("template", "E1", name="Mail", editor_type="CODE", html=f"<p>Sale</p>{'x' * 300}<a>Sale</a>{'y' * 30}")
    replacements = [
        {"find": "Sale", "replace": "Deal", "count": 2},
        *({"find": "y", "replace": "y", "count": 30},) * 11,
    ]
    lines = await preview_lines(server, "update_template", template_id="E1", replacements=replacements)
    assert lines[2] == f'html: replaced 2 times, "<p>Sale</p>{"x" * 20}…" → "<p>Deal</p>{"x" * 20}…"'
    assert len(lines) == 13
    assert lines[-1] == "And 2 more replacements."


async def test_a_replacement_that_finds_nothing_asks_nobody() -> None:
    server = sandbox_server(confirm="writes")
    server.put("template", "E1", name="Mail", editor_type="CODE", html="<p>Hello</p>")
    answer = await server.run(
        "update_template", template_id="E1", replacements=[{"find": "Bye", "replace": "Good day"}]
    )
    assert answer.startswith("ERROR: update_template was not sent: replacements.0")
    assert server.writes() == []


async def test_an_update_that_changes_nothing_says_so() -> None:
    server = sandbox_server(confirm="writes")
    server.put("list", "L1", name="Newsletter")
    assert (await preview_lines(server, "update_list", list_id="L1", name="Newsletter"))[1:] == [
        "All attributes that it sends have these values already."
    ]


async def test_the_arguments_are_shown_where_the_record_cannot_be_read() -> None:
    server = sandbox_server(confirm="writes")
    server.sandbox.faults.add(status=403, path="*/lists/*", times=9)
    lines = await preview_lines(server, "update_list", list_id="L1", name="News")
    assert lines[1:] == ["Values: name News"]


async def test_a_change_of_a_webhook_shows_hosts_before_and_after_and_its_topics() -> None:
    server = sandbox_server()
    server.put("webhook-topic", "event:klaviyo.sent_sms")
    server.put(
        "webhook",
        "W1",
        name="Orders",
        endpoint_url="https://hooks.example.com/a",
        enabled=True,
        links={"webhook-topics": ["event:klaviyo.sent_sms"]},
    )
    lines = await preview_lines(server, "update_webhook", webhook_id="W1", endpoint_url="https://other.example.org/")
    assert lines[1] == 'endpoint_url: "https://hooks.example.com/a" → "https://other.example.org/"'
    assert lines[-1] == "It posts at 1 webhook topic."


async def test_the_secret_of_a_webhook_stands_in_no_preview() -> None:
    server = sandbox_server()
    answer = await server.run(
        "create_webhook",
        name="Orders",
        endpoint_url="https://hooks.example.com/b",
        secret_key="s3cr3t-for-tests-only",
        webhook_topic_ids=["event:klaviyo.sent_sms"],
    )
    assert "https://hooks.example.com/b" in answer
    assert "s3cr3t" not in answer


UPDATES = [
    one
    for one in registry().values()
    if one.method == "PATCH" and not isinstance(one.preview, PreviewKind) and "/relationships/" not in one.path
    if registry().read_in_path(one)
]


@pytest.mark.parametrize("operation", UPDATES, ids=lambda operation: operation.name)
async def test_the_record_of_every_update_is_read_with_what_it_changes(operation: Operation) -> None:
    """Updates of attributes show changes; nothing fails for a field that a read does not take."""
    server = sandbox_server(confirm="writes", revision="2026-07-15")
    read = registry().read_in_path(operation)
    assert read is not None
    for arguments in full_examples(operation, "2026-07-15"):
        if "replacements" in arguments:
            continue
        server.put(read.resource, arguments[operation.path_ids[-1]], name="Old")
        preview = await read_preview(server, operation.name, **arguments)
        assert "could not be read" not in preview.text
        assert "the details" not in preview.text
        if read.resource == operation.resource:
            assert "changes" in preview.facts
