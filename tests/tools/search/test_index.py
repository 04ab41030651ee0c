"""Queries in everyday words find the right operation."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.registry import registry
from klaviyo_tools.search.index import Index, tokens
from klaviyo_tools.search.phrasebook import stored_phrasebook

LABELLED_REQUESTS = Path(__file__).parents[4] / "shared" / "queries" / "dev.jsonl"


@pytest.fixture(scope="module")
def index() -> Index:
    return Index(registry().at_revision(OLDEST_REVISION), stored_phrasebook())


def search_names(index: Index, query: str, limit: int = 5) -> list[str]:
    return [hit.operation.name for hit in index.search(query, limit)]


def test_labelled_requests_find_their_operation(index: Index) -> None:
    if not LABELLED_REQUESTS.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{LABELLED_REQUESTS.name} must be there when CI is set")
        pytest.skip(f"{LABELLED_REQUESTS.name} is not beside the checkout")
    rows = [json.loads(line) for line in LABELLED_REQUESTS.read_text().splitlines()]
    answers = [(row["expect"], search_names(index, row["query"])) for row in rows]
    among = sum(any(name in expected for name in names) for expected, names in answers) / len(rows)
    first = sum(bool(names) and names[0] in expected for expected, names in answers) / len(rows)
    assert (among >= 0.98, first >= 0.90) == (True, True), f"among the first 5: {among:.0%}, first: {first:.0%}"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("rename the newsletter list to Weekly Digest", "update_list"),
        ("swap the footer address in every email", "update_universal_content"),
        ("best customers by value", "get_profiles"),
        ("set stock of the red shirt size M to 12", "update_catalog_variant"),
        ("hide that nasty review", "update_review"),
        ("import 3000 contacts from my spreadsheet", "bulk_import_profiles"),
        ("number of placed orders per week", "query_metric_aggregates"),
        ("popup conversion last month", "query_form_values"),
        ("take the tag off those lists", "remove_tag_from_lists"),
        ("unsub bob@example.com from texts", "bulk_unsubscribe_profiles"),
        ("GDPR erase ann@example.com", "request_profile_deletion"),
        ("send the blast", "send_campaign"),
        ("clone last month's promo campaign", "create_campaign_clone"),
        ("which devices get push for ana", "get_push_tokens_for_profile"),
    ],
)
def test_colloquial_requests_find_their_operation_first(index: Index, query: str, name: str) -> None:
    assert search_names(index, query, 1) == [name]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("borrar un perfil por RGPD", "request_profile_deletion"),
        ("crear una lista nueva", "create_list"),
        ("mostrar eventos recientes de un cliente", "get_events"),
        ("désabonner marie du sms", "bulk_unsubscribe_profiles"),
        ("quels produits avons-nous", "get_catalog_items"),
        ("fusionner deux profils en double", "merge_profiles"),
        ("zeige mir alle aktiven flows", "get_flows"),
        ("Kampagne abbrechen, die gerade versendet wird", "cancel_campaign_send"),
    ],
)
def test_spanish_french_and_german_are_understood(index: Index, query: str, name: str) -> None:
    assert name in search_names(index, query, 2)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("delte a campain", "delete_campaign"),
        ("creat segmnet", "create_segment"),
        ("which tempaltes are there", "get_templates"),
    ],
)
def test_misspelt_words_are_read_as_the_nearest_word(index: Index, query: str, name: str) -> None:
    assert search_names(index, query, 1) == [name]


def test_requests_that_the_index_has_not_learnt_find_their_operation() -> None:
    book = stored_phrasebook()
    aside = book.requests[::5]
    learnt = replace(book, requests=[request for number, request in enumerate(book.requests) if number % 5])
    index = Index(registry().values(), learnt)
    found = [(request.operation, search_names(index, request.text)) for request in aside]
    first = sum(names[:1] == [operation] for operation, names in found) / len(aside)
    among = sum(operation in names for operation, names in found) / len(aside)
    assert (among >= 0.80, first >= 0.45) == (True, True), f"among the first 5: {among:.0%}, first: {first:.0%}"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("create a list and add profiles to it", {"create_list", "add_profiles_to_list"}),
        ("create a segment of buyers, then send them a campaign", {"create_segment", "send_campaign"}),
        ("create a coupon with codes", {"create_coupon", "bulk_create_coupon_codes"}),
    ],
)
def test_each_intent_of_a_query_finds_its_operation(index: Index, query: str, names: set[str]) -> None:
    assert names <= set(search_names(index, query, 3))


@pytest.mark.parametrize("query", ["send the campaign", "send campaign", "schick die Kampagne raus"])
def test_an_operation_comes_before_its_job(index: Index, query: str) -> None:
    assert search_names(index, query, 1) == ["send_campaign"]


@pytest.mark.parametrize(
    ("query", "way"),
    [
        ("copy a flow", "create_flow"),
        ("export all profiles as csv", "get_profiles"),
        ("list profiles filtered by country", "create_segment"),
        ("edit the signup form", "create_form"),
        ("lösche das Bild", "update_image"),
    ],
)
def test_what_does_not_exist_names_the_nearest_way(index: Index, query: str, way: str) -> None:
    assert any(way in note for note in index.absences(query))


@pytest.mark.parametrize("query", ["", "copy a campaign", "send the campaign", "create a flow", "find jane by email"])
def test_what_exists_is_not_called_absent(index: Index, query: str) -> None:
    assert index.absences(query) == []


def test_an_operation_without_requests_is_found_by_its_name_and_purpose() -> None:
    bare = Index(registry().values())
    assert search_names(bare, "merge two profiles", 1) == ["merge_profiles"]
    assert bare.absences("copy a flow") == []


def test_a_compound_is_split(index: Index) -> None:
    assert "get_coupon_codes" in search_names(index, "gutscheincodes anzeigen")


def test_a_name_an_alias_and_a_read_of_ids_find_their_operation(index: Index) -> None:
    assert search_names(index, "get_coupon_codes_for_coupon", 1) == ["get_coupon_codes_for_coupon"]
    assert search_names(index, "create_campaign_send_job", 1) == ["send_campaign"]
    assert search_names(index, "get_tag_ids_for_list", 1) == ["get_tags_for_list"]


@pytest.mark.parametrize("query", ["", "   ", "the of and", "12345 !!!", "🦊"])
def test_a_query_of_filler_words_finds_nothing(index: Index, query: str) -> None:
    assert search_names(index, query) == []


def test_the_limit_holds_and_the_order_is_stable(index: Index) -> None:
    assert len(search_names(index, "list", 3)) == 3
    assert search_names(index, "tags", 20) == search_names(index, "tags", 20)


def test_an_index_of_nothing_finds_nothing() -> None:
    assert Index([]).search("lists") == []


def test_phrases_are_one_word_and_filler_none() -> None:
    assert tokens("How many did opt in, per week?") == ["count", "optin", "series"]
    assert tokens("Öffnungsrate der E-Mails an ann@example.com") == ["offnungsrate", "email", "person"]


def test_every_operation_is_found_by_its_own_name() -> None:
    everything = Index(registry().values(), stored_phrasebook())
    assert [name for name in registry() if name not in search_names(everything, name.replace("_", " "), 1)] == []
