"""A classifier learns the class of a query from examples."""

from __future__ import annotations

import pytest

from klaviyo_tools.search.classes import Classifier

EXAMPLES = [
    ("remove the list", "delete"),
    ("remove a flow", "delete"),
    ("drop the segment", "delete"),
    ("make a list", "create"),
    ("make a segment", "create"),
]


def words(text: str) -> list[tuple[str]]:
    return [(word,) for word in text.split()]


def test_the_likelier_class_has_the_higher_probability() -> None:
    found = Classifier(EXAMPLES, words).probabilities("remove the template")
    assert found["delete"] > found["create"]
    assert sum(found.values()) == pytest.approx(1)


def test_a_query_of_unknown_words_has_the_classes_in_the_order_of_their_examples() -> None:
    found = Classifier(EXAMPLES, words).probabilities("xyz")
    assert found["delete"] > found["create"]


def test_without_examples_there_are_no_classes() -> None:
    assert Classifier([], words).probabilities("remove") == {}


def test_a_word_in_several_forms_counts_once() -> None:
    once = Classifier(EXAMPLES, words).probabilities("remove")
    twice = Classifier(EXAMPLES, lambda text: [(word, word) for word in text.split()]).probabilities("remove")
    assert twice["delete"] == pytest.approx(once["delete"], abs=0.05)
