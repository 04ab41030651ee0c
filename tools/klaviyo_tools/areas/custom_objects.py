"""Custom objects: records of an account's own types, which data sources import."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from klaviyo_tools.arguments.places import Embedded, Relationship
from klaviyo_tools.arguments.types import Arguments, Id, OpenObject, Text
from klaviyo_tools.operation.area import Area, L, S
from klaviyo_tools.operation.facts import Rate

area = Area("custom_objects")

MAX_RECORDS = 500
MAX_RECORD_BYTES = 512 * 1024
"""Bytes of one record."""


class NewSource(Arguments):
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
    visibility: Literal["private", "shared"] | None = None
    description: str | None = None
    namespace: Text | None = None


class DataSourceRecord(Arguments):
    record: OpenObject


def _wrap_record(record: Any) -> Any:
    """A plain record, wrapped as Klaviyo takes it."""
    if not isinstance(record, dict):
        return record
    size = len(json.dumps(record, ensure_ascii=False, default=str).encode())
    if size > MAX_RECORD_BYTES:
        raise ValueError(f"{size:,} bytes of JSON: a record may have {MAX_RECORD_BYTES:,}")
    return {"record": record}


RecordArgument = Annotated[DataSourceRecord, BeforeValidator(_wrap_record), WithJsonSchema({"type": "object"})]


class NewRecord(Arguments):
    data_source_id: Annotated[Id, Relationship("data-source")]
    record: Annotated[RecordArgument, Embedded("data-source-record", "data-source-record")]


class NewRecords(Arguments):
    data_source_id: Annotated[Id, Relationship("data-source")]
    records: Annotated[
        list[RecordArgument],
        Field(min_length=1, max_length=MAX_RECORDS),
        Embedded("data-source-record", "data-source-records"),
    ]


area.resource_type(
    "data-source",
    "title namespace visibility description",
    "description namespace title visibility",
    label="title",
    facet="visibility",
)
area.collection(
    "get_data_sources",
    "/api/data-sources",
    "data-source",
    "Sources of custom objects.",
    rate=S,
    max_page_size=100,
)
area.record(
    "get_data_source",
    "/api/data-sources/{data_source_id}",
    "data-source",
    "One data source.",
    rate=S,
)
area.create(
    "create_data_source",
    "/api/data-sources",
    "data-source",
    NewSource,
    "Create a data source for records; its title must be unique.",
    rate=S,
)
area.delete(
    "delete_data_source",
    "/api/data-sources/{data_source_id}",
    "data-source",
    "Delete a data source.",
    rate=S,
)
area.job(
    "create_data_source_record",
    "/api/data-source-record-create-jobs",
    "data-source-record",
    NewRecord,
    "Send one record to a data source; there is no job to follow.",
    rate=L,
    body_type="data-source-record-create-job",
    aliases="create_data_source_record_create_job",
)
area.job(
    "bulk_create_data_source_records",
    "/api/data-source-record-bulk-create-jobs",
    "data-source-record",
    NewRecords,
    "Send up to 500 records to a data source; there is no job to follow.",
    rate=Rate(3, 15),
    max_body_bytes=4_000_000,
    body_type="data-source-record-bulk-create-job",
    aliases="create_data_source_record_bulk_create_job",
)
