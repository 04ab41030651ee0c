"""Each line that carries an id is answered, whatever is wrong with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import mcp_types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from klaviyo_mcp.transports.lines import (
    AnswerableLines,
    answerable,
    errors_for,
    mend,
    top_level_id,
    unparsed_content,
)

PARSE, INVALID = mcp_types.PARSE_ERROR, mcp_types.INVALID_REQUEST
CALL = '{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "echo", "arguments": {"word": %s}}}'


def content_of(line: str) -> Any:
    with pytest.raises(ValidationError) as raised:
        mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    return unparsed_content(raised.value)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (CALL % r'"\ud83d"', "\ufffd"),
        (CALL % r'"a\ude00b\ud83d\ude00"', "a\ufffdb\U0001f600"),
        ("\ufeff" + CALL % '"hat"', "hat"),
    ],
)
def test_halves_of_characters_and_a_byte_order_mark_are_mended(line: str, word: str) -> None:
    message = mend(content_of(line))
    assert isinstance(message, mcp_types.JSONRPCRequest)
    assert message.id == 7
    assert message.params is not None
    assert message.params["arguments"] == {"word": word}


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("", []),
        (" \t", []),
        ("nonsense", [(None, PARSE)]),
        ('{"jsonrpc": "2.0", "id": 7, "method": "tools/c', [(7, PARSE)]),
        (
            '{"jsonrpc": "2.0", "method": "x", "params": {"id": 1, "a": [{"id": 2}]}, "id": "seven", "b',
            [("seven", PARSE)],
        ),
        ('{"params": {"id": 1}, "jso', [(None, PARSE)]),
        (r'{"a\"id": 1, "text": "\"id\": 2", "id": 3, }', [(3, PARSE)]),
        ('{"jsonrpc": "2.0", "id": 12', [(None, PARSE)]),
        ('{"jsonrpc": "2.0", "id": "12', [(None, PARSE)]),
        ('{"id": 1.5, ', [(None, PARSE)]),
        ('{"id": true, ', [(None, PARSE)]),
        (CALL % ("[" * 260 + "]" * 260), [(7, PARSE)]),
        (CALL % ("[" * 100_000 + "]" * 100_000), [(7, PARSE)]),
        ("[]", [(None, INVALID)]),
        ("5", [(None, INVALID)]),
        ("null", [(None, INVALID)]),
        ('{"id": 7}', [(7, INVALID)]),
        ('{"jsonrpc": "1.0", "id": 7, "method": "ping"}', [(7, INVALID)]),
        ('{"jsonrpc": "2.0", "id": "a", "method": "ping", "params": [1]}', [("a", INVALID)]),
        (
            '[{"jsonrpc": "2.0", "id": 7, "method": "ping"}, {"id": "b"}, 3]',
            [(7, INVALID), ("b", INVALID), (None, INVALID)],
        ),
    ],
)
def test_what_is_no_message_is_answered_with_the_id_that_can_be_read(line: str, answers: list[tuple[Any, int]]) -> None:
    content = content_of(line)
    assert mend(content) is None
    assert [(error.id, error.error.code) for error in errors_for(content)] == answers


@pytest.mark.parametrize(
    ("id_", "answered"),
    [("null", None), ("1.5", 1.5), ("-0.25", -0.25), ("true", None), ("[1]", None), ("{}", None), ("1e999", None)],
)
def test_a_request_whose_id_cannot_be_used_is_answered_with_it_or_with_null(id_: str, answered: object) -> None:
    line = f'{{"jsonrpc": "2.0", "id": {id_}, "method": "ping"}}'
    content = content_of(answerable(line))
    assert mend(content) is None
    (error,) = errors_for(content)
    assert json.loads(error.model_dump_json(by_alias=True, exclude_unset=True))["id"] == answered
    assert error.error.code == INVALID


@pytest.mark.parametrize(
    "line",
    [
        '{"jsonrpc": "2.0", "id": 1.0, "method": "ping"}',
        '{"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"id": null}}',
        '{"jsonrpc": "2.0", "method": "notifications/x", "params": {"id": 1.5}}',
        '{"jsonrpc": "2.0", "id": null, "result": {}}',
        '{"jsonrpc": "2.0", "id": null, "meth',
    ],
)
def test_other_lines_stay_as_they_are(line: str) -> None:
    assert answerable(line) == line


async def one_line(line: str) -> AsyncIterator[str]:
    yield line


@pytest.mark.anyio
async def test_lines_with_an_odd_id_are_found_among_the_others() -> None:
    line = '{"jsonrpc":"2.0","id":null,"method":"ping"}'
    assert [one async for one in AnswerableLines(one_line(line))] == ['{"id": null}']
    assert [one async for one in AnswerableLines(one_line('{"id":7}'))] == ['{"id":7}']


@pytest.mark.slow
@given(st.data())
def test_a_message_cut_anywhere_names_its_own_id_or_none(data: st.DataObject) -> None:
    json_values = st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("id"), inner),
    )
    id_ = data.draw(st.integers() | st.text())
    members = {"jsonrpc": "2.0", "id": id_, "method": "ping", "params": data.draw(json_values)}
    order = data.draw(st.permutations(list(members)))
    line = json.dumps({name: members[name] for name in order})
    cut = data.draw(st.integers(0, len(line)))
    assert top_level_id(line) == id_
    assert top_level_id(line[:cut]) in (None, id_)
