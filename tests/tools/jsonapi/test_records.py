"""JSON:API documents become flat records; other documents are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_tools.jsonapi.records import DocumentError, Page, Record, RelatedIds, flatten_document, next_cursor

CAMPAIGN = {
    "type": "campaign",
    "id": "01HXCAMPAIGN",
    "attributes": {"name": "Spring", "status": "Sent", "archived": False, "send_time": None},
    "relationships": {
        "campaign-messages": {
            "data": [{"type": "campaign-message", "id": "01HXMESSAGE"}],
            "links": {"self": "https://a.klaviyo.com/x", "related": "https://a.klaviyo.com/y"},
        },
        "tags": {"data": [], "links": {"self": "https://a.klaviyo.com/x"}},
        "image": {"links": {"self": "https://a.klaviyo.com/x"}},
    },
    "links": {"self": "https://a.klaviyo.com/api/campaigns/01HXCAMPAIGN/"},
}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (None, "the answer is null where a JSON:API document was expected"),
        ("<html>", "the answer is a string where a JSON:API document was expected"),
        ([], "the answer is an array where a JSON:API document was expected"),
        ({}, "the answer has no data member"),
        ({"errors": []}, "the answer has no data member"),
        ({"data": "x"}, "a record in it is not an object with a type"),
        ({"data": [None]}, "a record in it is not an object with a type"),
        ({"data": {"id": "1"}}, "a record in it is not an object with a type"),
        ({"data": {"type": 3}}, "a record in it has a type that is no string"),
        ({"data": {"type": "list", "id": {}}}, "an id in it is an object"),
        ({"data": {"type": "list", "id": "1", "attributes": []}}, "the attributes of a 'list' are an array"),
        ({"data": {"type": "list", "relationships": [1]}}, "the relationships of a record are an array"),
        (
            {"data": {"type": "list", "relationships": {"tags": {"data": ["x"]}}}},
            "the relationship 'tags' holds something other than identifiers",
        ),
        ({"data": [], "included": {"type": "x"}}, "its included member is an object where an array was expected"),
        ({"data": [], "links": {"next": "https://[/?page%5Bcursor%5D=x"}}, "its next link is not a URL"),
        (
            {"data": [], "links": {"next": f"https://a.klaviyo.com/?page%5Bcursor%5D={'x' * 2001}"}},
            "its next cursor is not one",
        ),
        (
            {"data": [], "links": {"next": "https://a.klaviyo.com/?page%5Bcursor%5D=a%0Ab"}},
            "its next cursor is not one",
        ),
    ],
)
def test_an_invalid_document_is_refused(document: Any, fault: str) -> None:
    with pytest.raises(DocumentError) as error:
        flatten_document(document)
    assert str(error.value) == fault


def test_a_record_keeps_its_attributes_and_related_ids_and_loses_its_links() -> None:
    page = flatten_document({"data": CAMPAIGN, "links": {"self": "https://a.klaviyo.com/"}})
    assert page == Page(
        records=[
            Record(
                "campaign",
                "01HXCAMPAIGN",
                {"name": "Spring", "status": "Sent", "archived": False, "send_time": None},
                {"campaign-messages": RelatedIds("campaign-message", ("01HXMESSAGE",), many=True)},
            )
        ],
        included={},
        next_cursor=None,
        single=True,
    )


def test_a_to_one_relationship_differs_from_a_to_many() -> None:
    document = {
        "data": {"type": "tag", "id": "t", "relationships": {"tag-group": {"data": {"type": "tag-group", "id": "g"}}}}
    }
    assert flatten_document(document).records[0].related == {"tag-group": RelatedIds("tag-group", ("g",), many=False)}


def test_included_records_are_found_by_type_and_id() -> None:
    page = flatten_document({"data": [], "included": [{"type": "tag", "id": "t1", "attributes": {"name": "Sale"}}]})
    assert page.included == {("tag", "t1"): Record("tag", "t1", {"name": "Sale"}, {})}


def test_null_is_a_single_document_without_a_record() -> None:
    assert flatten_document({"data": None}) == Page([], {}, None, True)


def test_identifiers_alone_are_records_without_attributes() -> None:
    assert flatten_document({"data": [{"type": "profile", "id": "p1"}]}).records == [Record("profile", "p1", {}, {})]


def test_a_report_without_an_id_is_a_record_without_one() -> None:
    assert (
        flatten_document({"data": {"type": "campaign-values-report", "attributes": {"results": []}}}).records[0].id
        == ""
    )


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        (
            "https://a.klaviyo.com/api/profiles/?page%5Bcursor%5D=bmV4dDo6aWQ6OjE%3D&page%5Bsize%5D=20",
            "bmV4dDo6aWQ6OjE=",
        ),
        ("https://a.klaviyo.com/api/profiles/?page[cursor]=bmV4dA&sort=id", "bmV4dA"),
        ("https://a.klaviyo.com/api/lists/?page[cursor]=a+b/c==", "a+b/c=="),
        ("https://a.klaviyo.com/api/campaign-values-reports/?page_cursor=abc", "abc"),
        ("https://a.klaviyo.com/api/lists/?page%5Bcursor%5D=", None),
        ("https://a.klaviyo.com/api/lists/", None),
    ],
)
def test_the_cursor_is_read_from_the_next_link(link: str, cursor: str | None) -> None:
    assert next_cursor(link) == cursor
    assert flatten_document({"data": [], "links": {"next": link}}).next_cursor == cursor


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "type", "id", "attributes", "relationships", "included", "links", "next", "meta"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_a_malformed_answer_raises_a_document_error_only(document: Any) -> None:
    try:
        page = flatten_document(document)
    except DocumentError:
        return
    assert isinstance(page, Page)
