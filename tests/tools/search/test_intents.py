"""A query with several intents is split at the words that join them."""

from __future__ import annotations

import pytest

from klaviyo_tools.search.intents import split_intents

OPENINGS = {"create", "add", "send", "crea", "lösche"}


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("create a list and add people to it", ["create a list", "add people to it"]),
        ("create a segment, then send them a mail", ["create a segment", "send them a mail"]),
        ("Crea una lista y add people", ["Crea una lista", "add people"]),
        ("create a list; please add ann; send the mail", ["create a list", "please add ann", "send the mail"]),
    ],
)
def test_parts_that_begin_with_a_verb_are_intents(query: str, parts: list[str]) -> None:
    assert split_intents(query, OPENINGS) == parts


@pytest.mark.parametrize(
    "query",
    [
        "",
        "and",
        "create a list of men and women",
        "opens and clicks of the last campaign",
        "ann and send the mail",
        "send",
        "create a, create b, create c, create d",
    ],
)
def test_other_queries_stay_whole(query: str) -> None:
    assert split_intents(query, OPENINGS) == [query]
