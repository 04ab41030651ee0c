"""Data sources, and the records that are sent to them."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]


def test_a_record_has_bounds_in_size_and_number(refusal_of: Refuse) -> None:
    assert refusal_of("create_data_source_record", data_source_id="D1", record={"note": "x" * 524_288}) == (
        "record: 524,300 bytes of JSON: a record may have 524,288"
    )
    assert refusal_of("bulk_create_data_source_records", data_source_id="D1", records=[{"a": 1}] * 501).startswith(
        "records: at most 500, not "
    )
    assert refusal_of("bulk_create_data_source_records", records=[{"a": 1}]) == "data_source_id is required"


def test_a_title_has_a_bound(refusal_of: Refuse) -> None:
    assert refusal_of("create_data_source", title="t" * 256).startswith("title: at most 255 characters")


def test_a_data_source_is_created_read_and_deleted(request_of: Render) -> None:
    assert request_of("create_data_source", title="Bookings", visibility="shared") == Request(
        "POST",
        "/api/data-sources",
        body={"data": {"type": "data-source", "attributes": {"title": "Bookings", "visibility": "shared"}}},
    )
    assert request_of("get_data_sources") == Request("GET", "/api/data-sources")
    assert request_of("get_data_source", data_source_id="D1") == Request("GET", "/api/data-sources/D1")
    assert request_of("delete_data_source", data_source_id="D1") == Request("DELETE", "/api/data-sources/D1")


def test_a_record_with_a_key_called_record_is_sent_unchanged(request_of: Render) -> None:
    link = {"data-source": {"data": {"type": "data-source", "id": "D1"}}}
    for record in ({"id": 7, "room": "Blue"}, {"record": {"id": 7}}, {}):
        sent = {"type": "data-source-record", "attributes": {"record": record}}
        assert request_of("create_data_source_record", data_source_id="D1", record=record) == Request(
            "POST",
            "/api/data-source-record-create-jobs",
            body={
                "data": {
                    "type": "data-source-record-create-job",
                    "attributes": {"data-source-record": {"data": sent}},
                    "relationships": link,
                }
            },
        )
        assert request_of("bulk_create_data_source_records", data_source_id="D1", records=[record]) == Request(
            "POST",
            "/api/data-source-record-bulk-create-jobs",
            body={
                "data": {
                    "type": "data-source-record-bulk-create-job",
                    "attributes": {"data-source-records": {"data": [sent]}},
                    "relationships": link,
                }
            },
        )
