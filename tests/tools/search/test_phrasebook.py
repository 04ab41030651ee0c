"""The phrasebook has requests for every operation, and its files are read line by line."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from klaviyo_tools.registry import registry
from klaviyo_tools.search.index import tokens
from klaviyo_tools.search.phrasebook import (
    FOLDER,
    LANGUAGES,
    Phrasebook,
    PhrasebookError,
    Request,
    parse,
    stored_phrasebook,
)
from klaviyo_tools.toolsets import STANDARD

JUDGED = Path(__file__).parents[4] / "shared" / "queries" / "dev.jsonl"


def parsed(text: str) -> Phrasebook:
    book = Phrasebook()
    parse(text, book, "lists.txt")
    return book


def test_requests_stand_below_their_operation_with_their_language() -> None:
    book = parsed(
        "# ours\narea lists\n  words: audience\n\nget_lists\n  words: all\n  which lists\n  de: welche Listen\n"
    )
    assert book.requests == [Request("get_lists", "which lists"), Request("get_lists", "welche Listen", "de")]
    assert (book.words, book.area_words) == ({"get_lists": "all"}, {"lists": "audience"})


def test_a_request_without_an_operation_is_refused_by_its_line() -> None:
    with pytest.raises(PhrasebookError, match=r"lists.txt, line 1"):
        parsed("  which lists\n")


def test_a_heading_of_several_words_is_refused_by_its_line() -> None:
    with pytest.raises(PhrasebookError, match=r"lists.txt, line 2: 'which lists are there'"):
        parsed("get_lists\nwhich lists are there\n")


def test_a_colon_in_a_request_is_no_language() -> None:
    assert parsed("get_lists\n  note: find it\n").requests == [Request("get_lists", "note: find it")]


def test_an_absence_has_a_note_and_patterns() -> None:
    book = parsed("! No copy of a flow: create_flow.\n  copy clone + flow series\n")
    assert [(absence.note, absence.patterns) for absence in book.absences] == [
        ("No copy of a flow: create_flow.", [["copy clone", "flow series"]])
    ]


def test_every_absence_names_an_operation() -> None:
    notes = [absence.note for absence in stored_phrasebook().absences]
    names = [[word for word in re.findall(r"\w+", note) if "_" in word and word in registry()] for note in notes]
    assert notes
    assert [note for note, found in zip(notes, names, strict=True) if not found] == []


def test_every_operation_has_requests_in_every_language() -> None:
    requests: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for request in stored_phrasebook().requests:
        requests[request.operation][request.language] += 1
    assert set(requests) == set(registry())
    assert {name: found for name, found in requests.items() if len(found) < len(LANGUAGES)} == {}
    assert [name for name, found in requests.items() if found.total() < 5] == []
    assert [name for name in STANDARD.split() if requests[name].total() < 7] == []


def test_every_area_has_words() -> None:
    assert set(stored_phrasebook().area_words) == set(registry().areas)


def test_no_request_stands_twice() -> None:
    counts = Counter(" ".join(request.text.lower().split()) for request in stored_phrasebook().requests)
    assert [text for text, count in counts.items() if count > 1] == []


def test_no_request_is_a_judged_query() -> None:
    if not JUDGED.exists():
        pytest.skip(f"{JUDGED.name} is not beside the checkout")
    judged = {tuple(tokens(json.loads(line)["query"])) for line in JUDGED.read_text().splitlines()}
    assert [request.text for request in stored_phrasebook().requests if tuple(tokens(request.text)) in judged] == []


def test_each_file_is_named_as_a_module_of_an_area() -> None:
    modules = {path.stem for path in FOLDER.parent.glob("*.py")}
    assert {path.stem for path in FOLDER.glob("*.txt")} - modules == {"absent"}
