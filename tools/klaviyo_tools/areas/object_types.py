"""Types of custom objects: their schemas, source mappings, relations and records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from klaviyo_tools.arguments.marks import UNLISTED
from klaviyo_tools.arguments.places import Embedded, Linkage, Meta, Relationship, Target
from klaviyo_tools.arguments.types import Arguments, Id, Text, one_line_schema
from klaviyo_tools.operation.area import XS, Area, S
from klaviyo_tools.operation.facts import AnswerKind, Effect

area = Area(
    "object_types",
    scope="custom-objects",
)

SINCE = "2026-07-15"
MAX_RECORDS = 500


def _check_record_id(text: str) -> str:
    if not all(text.partition(":::")) or not text.isprintable():
        raise ValueError(f"{text[:60]!r} is not a record's id: such as {{object_type_id}}:::{{id}}")
    return text


RecordId = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=512),
    AfterValidator(_check_record_id),
    Field(examples=["01K8XV2MM6RFVZT8W61K6CR3ER:::order-1"]),
]


class Property(Arguments):
    id: int = Field(description="your number, unique in the schema")
    name: Text
    type: Literal["string", "int", "float", "boolean", "timestamp"]
    description: str | None = None


class PropertySource(Arguments):
    source_id: Id
    id_path: Text
    data_path: Text


class PropertyMapping(Arguments):
    """The source of a property: a path in the records of a data source, or a constant."""

    id: int
    type: Literal["simple", "constant"]
    source: PropertySource | None = None
    value: Any = None

    EXAMPLES: ClassVar[Sequence[Mapping[str, Any]]] = (
        {"id": 1, "type": "simple", "source": {"source_id": "01H", "id_path": "$.id", "data_path": "$.name"}},
        {"id": 2, "type": "constant", "value": "shop"},
    )

    @model_validator(mode="after")
    def _check_source(self) -> PropertyMapping:
        if self.type == "simple" and self.source is None:
            raise ValueError("a simple mapping needs source {source_id, id_path, data_path}")
        if self.type == "constant" and self.value is None:
            raise ValueError("a constant mapping needs value")
        if self.type == "constant" and not isinstance(self.value, str | int | float):
            raise ValueError("value is a text, a number, true or false")
        if self.source is not None and self.value is not None:
            raise ValueError("give source (simple) or value (constant), not both")
        return self


class IdentifierPath(Arguments):
    identifier_type: Literal["email", "phone", "external-id", "klaviyo-id", "anonymous"]
    path: Text


class RelationSource(Arguments):
    source_id: Id
    type: Literal["custom-object", "profile"]
    id_path: Text
    related_id_path: Text | None = None
    related_id_paths: Annotated[list[IdentifierPath] | None, Field(min_length=1)] = None
    update_strategy: Literal["replace_from_origin", "additive"] | None = None

    EXAMPLES: ClassVar[Sequence[Mapping[str, Any]]] = (
        {
            "source_id": "01H",
            "type": "custom-object",
            "id_path": "$.id",
            "related_id_path": "$.owner",
            "update_strategy": "additive",
        },
        {
            "source_id": "01H",
            "type": "profile",
            "id_path": "$.id",
            "related_id_paths": [{"identifier_type": "email", "path": "$.email"}],
        },
    )

    @model_validator(mode="after")
    def _check_source(self) -> RelationSource:
        if self.type == "custom-object" and (self.related_id_path is None or self.related_id_paths is not None):
            raise ValueError("a source of type custom-object needs related_id_path, and that alone")
        if self.type == "profile" and (self.related_id_paths is None or self.related_id_path is not None):
            raise ValueError(
                "a source of type profile needs related_id_paths [{identifier_type, path}], and that alone"
            )
        return self


class RelationshipMapping(Arguments):
    relationship_id: Id
    type: Literal["simple"]
    source: RelationSource


class SourceMapping(Arguments):
    property_mappings: Annotated[
        list[PropertyMapping] | None,
        WithJsonSchema(
            {
                "type": "array",
                "items": {"type": "object"},
                "description": "{id, type: simple, source: {source_id, id_path, data_path}} or "
                "{id, type: constant, value}",
            }
        ),
    ] = None
    relationship_mappings: Annotated[
        list[RelationshipMapping] | None,
        WithJsonSchema(
            {
                "type": "array",
                "items": {"type": "object"},
                "description": "{relationship_id, type: simple, source: {source_id, type: custom-object, id_path, "
                "related_id_path}} or source: {…, type: profile, related_id_paths: [{identifier_type, path}]}",
            }
        ),
    ] = None


MappingArgument = Annotated[SourceMapping, one_line_schema(SourceMapping)]
SchemaStatus = Literal["draft", "active"]
Properties = Annotated[list[Property], Field(min_length=1)]


class InitialSchema(Arguments):
    properties: list[Property] | None = None
    status: SchemaStatus | None = None
    required: list[Text] | None = None
    source_mapping: Annotated[MappingArgument | None, Embedded("source-mapping", "source-mapping")] = None


class NewType(Arguments):
    title: Text
    description: str | None = None
    visibility: Literal["private", "shared"] | None = None
    namespace: Text | None = None
    object_schema: Annotated[InitialSchema | None, Embedded("object-schema", "object-schema")] = None


class SchemaChanges(Arguments):
    title: Text | None = None
    description: str | None = None
    properties: list[Property] | None = None
    required: list[Text] | None = None
    status: Annotated[SchemaStatus | None, Field(description="active publishes it")] = None


class NewSchema(Arguments):
    object_type_id: Annotated[Id | None, Relationship("object-type")] = None
    title: Text
    properties: Properties
    description: str | None = None
    required: list[Text] | None = None
    status: Annotated[SchemaStatus | None, Field(description="active publishes it")] = None
    source_mapping: Annotated[MappingArgument | None, Embedded("source-mapping", "source-mapping")] = None


class RelationName(Arguments):
    name: Annotated[Text, Meta("name")]
    description: Annotated[str | None, Meta("description")] = None


class RelationId(Arguments):
    relationship_id: Annotated[Id, Meta("relationship_id")]


class RelationRename(RelationId):
    name: Annotated[Text | None, Meta("name")] = None
    description: Annotated[str | None, Meta("description")] = None


class Schema(Arguments):
    schema_id: Annotated[Id, Target()]


class ProfileSchema(Arguments):
    """The schema of profiles, whose id is the same in every account."""

    schema_id: Annotated[Literal["profile"] | None, Target(), UNLISTED] = None

    @model_validator(mode="before")
    @classmethod
    def _set_schema_id(cls, source: Any) -> Any:
        return {"schema_id": "profile", **source} if isinstance(source, dict) else source


class Link(RelationName, Schema):
    """A relation to another schema."""


class LinkRemoval(RelationId, Schema):
    """A relation to remove."""


class LinkChanges(RelationRename, Schema):
    """A relation to rename."""


class ProfileLink(RelationName, ProfileSchema):
    """A relation to profiles."""


class ProfileLinkRemoval(RelationId, ProfileSchema):
    """A relation to remove."""


class ProfileLinkChanges(RelationRename, ProfileSchema):
    """A relation to rename."""


class SchemaLinks(Arguments):
    relationships: Annotated[list[Link], Field(min_length=1), Linkage("object-schema")]


class SchemaLinkRemovals(Arguments):
    relationships: Annotated[list[LinkRemoval], Field(min_length=1), Linkage("object-schema")]


class ProfileLinks(Arguments):
    relationships: Annotated[list[ProfileLink], Field(min_length=1), Linkage("profile-object-schema")]


class ProfileLinkRemovals(Arguments):
    relationships: Annotated[list[ProfileLinkRemoval], Field(min_length=1), Linkage("profile-object-schema")]


class RecordDeletions(Arguments):
    object_record_ids: Annotated[
        list[RecordId], Field(min_length=1, max_length=MAX_RECORDS), Relationship("object-record")
    ]


# Types.

RELATION_FIELDS = "meta(name description relationship_id)"
area.resource_type(
    "object-type",
    "title status namespace description meta.name created_at updated_at",
    f"created_at description namespace status title updated_at {RELATION_FIELDS}",
    label="title",
    facet="status",
    date="created_at",
    relationships="current-schema:object-schema draft-schema:object-schema"
    " schema-versions:object-schema object-types:object-type profile-object-types:profile-object-type",
    additional_fields="meta",
)
area.resource_type(
    "object-schema",
    "title status visibility description meta.name published_at",
    f"description properties published_at required status title visibility {RELATION_FIELDS}",
    label="title",
    facet="status",
    date="published_at",
    relationships="source-mapping object-schemas:object-schema profile-object-schemas:profile-object-schema",
    additional_fields="meta",
)
area.resource_type("object-record", "record_properties", "record_properties", untrusted="record_properties")
area.resource_type(
    "object-ingestion-log",
    "timestamp status event_type summary object-type object-record",
    "errors event_type status summary timestamp",
    label="summary",
    facet="status",
    date="timestamp",
    relationships="object-type object-record",
    untrusted="errors summary",
)
area.resource_type(
    "source-mapping", "property_mappings relationship_mappings", "property_mappings relationship_mappings"
)
area.resource_type(
    "profile-object-type", "meta.name meta.description meta.relationship_id", RELATION_FIELDS, label="meta.name"
)
area.resource_type(
    "profile-object-schema", "meta.name meta.description meta.relationship_id", RELATION_FIELDS, label="meta.name"
)
area.collection(
    "get_object_types",
    "/api/object-types",
    "object-type",
    "Types of custom objects.",
    rate=S,
    since=SINCE,
    paged=False,
    filter={"namespace": "equals"},
    include=("current-schema", "draft-schema"),
)
area.record(
    "get_object_type",
    "/api/object-types/{object_type_id}",
    "object-type",
    "One type of custom objects; include adds its schemas and relations.",
    rate=S,
    since=SINCE,
    include=("current-schema", "draft-schema", "object-types", "profile-object-types", "schema-versions"),
    extra_fields=("meta",),
)
area.create(
    "create_object_type",
    "/api/object-types",
    "object-type",
    NewType,
    "Create a type of custom objects; object_schema sets its properties at once.",
    rate=S,
    since=SINCE,
)
area.delete(
    "delete_object_type",
    "/api/object-types/{object_type_id}",
    "object-type",
    "Delete a type of custom objects.",
    rate=S,
    since=SINCE,
)
for which, one in (
    ("current", "The published schema of a type of custom objects."),
    ("draft", "The draft of a type's next schema."),
):
    area.record(
        f"get_{which}_schema_for_object_type",
        f"/api/object-types/{{object_type_id}}/{which}-schema",
        "object-schema",
        one,
        rate=S,
        since=SINCE,
        ids_operation=f"get_{which}_schema_id_for_object_type",
    )
area.collection(
    "get_schema_versions_for_object_type",
    "/api/object-types/{object_type_id}/schema-versions",
    "object-schema",
    "Every version of a type's schema.",
    rate=S,
    since=SINCE,
    paged=False,
    ids_operation="get_schema_version_ids_for_object_type",
)
area.collection(
    "get_records_for_object_type",
    "/api/object-types/{object_type_id}/object-records",
    "object-record",
    "Records of a type of custom objects.",
    rate=S,
    since=SINCE,
    max_page_size=100,
    ids_operation="get_record_ids_for_object_type",
)
area.collection(
    "get_ingestion_logs_for_object_type",
    "/api/object-types/{object_type_id}/object-ingestion-logs",
    "object-ingestion-log",
    "Records that failed to import in the last 14 days, newest first.",
    rate=XS,
    since=SINCE,
    filter={
        "status": "equals any",
        "timestamp": "greater-or-equal less-than",
        "record_id": "equals",
        "event_type": "equals any",
    },
    include=("object-record", "object-type"),
    ids_operation="get_ingestion_log_ids_for_object_type",
)
area.collection(
    "get_object_type_relationships",
    "/api/object-types/{object_type_id}/relationships/object-types",
    "object-type",
    "Ids of the types related to a type.",
    rate=S,
    since=SINCE,
    paged=False,
    sparse_fieldsets=False,
)
area.collection(
    "get_profile_type_relationships",
    "/api/object-types/{object_type_id}/relationships/profile-object-types",
    "profile-object-type",
    "Ids of the profile types related to a type.",
    rate=S,
    since=SINCE,
    paged=False,
    sparse_fieldsets=False,
)

# Records.

area.record(
    "get_object_record",
    "/api/object-records/{object_record_id}",
    "object-record",
    "One record of a custom object.",
    rate=S,
    id_type=RecordId,
    since=SINCE,
)
area.create(
    "bulk_delete_object_records",
    "/api/object-record-bulk-delete-jobs",
    "object-record",
    RecordDeletions,
    "Delete up to 500 records of custom objects; there is no job to follow.",
    rate=S,
    since=SINCE,
    answer=AnswerKind.NOTHING,
    effect=Effect.DELETE,
    body_type="object-record-bulk-delete-job",
    max_body_bytes=5_000_000,
)

# Schemas.

area.record(
    "get_object_schema",
    "/api/object-schemas/{object_schema_id}",
    "object-schema",
    "One schema with its properties; include adds its mapping and relations.",
    rate=S,
    since=SINCE,
    include=("object-schemas", "profile-object-schemas", "source-mapping"),
    extra_fields=("meta",),
)
area.create(
    "create_object_schema",
    "/api/object-schemas",
    "object-schema",
    NewSchema,
    "Create a schema of custom objects, as a draft unless status is active.",
    rate=S,
    since=SINCE,
)
area.update(
    "update_object_schema",
    "/api/object-schemas/{object_schema_id}",
    "object-schema",
    SchemaChanges,
    "Change a schema's properties, or publish it.",
    rate=S,
    since=SINCE,
)
area.record(
    "get_source_mapping",
    "/api/source-mappings/{source_mapping_id}",
    "source-mapping",
    "One mapping of a source's records to a schema.",
    rate=S,
    since=SINCE,
)
area.record(
    "get_source_mapping_for_object_schema",
    "/api/object-schemas/{object_schema_id}/source-mapping",
    "source-mapping",
    "How sources' records map to a schema.",
    rate=S,
    since=SINCE,
    ids_operation="get_source_mapping_id_for_object_schema",
)
area.update(
    "update_source_mapping",
    "/api/source-mappings/{source_mapping_id}",
    "source-mapping",
    SourceMapping,
    "Change how sources' records map to a schema.",
    rate=S,
    since=SINCE,
)

# Relations between schemas, and of schemas with profiles.

for kind, type_, noun, new, changes, gone in (
    ("object", "object-schema", "other schemas", SchemaLinks, LinkChanges, SchemaLinkRemovals),
    ("profile", "profile-object-schema", "profiles", ProfileLinks, ProfileLinkChanges, ProfileLinkRemovals),
):
    path = f"/api/object-schemas/{{object_schema_id}}/relationships/{type_}s"
    area.collection(
        f"get_{kind}_schema_relationships",
        path,
        type_,
        f"Ids of the relations of a schema to {noun}.",
        rate=S,
        since=SINCE,
        paged=False,
        sparse_fieldsets=False,
    )
    area.custom(
        f"create_{kind}_schema_relationship",
        "POST",
        path,
        type_,
        f"Relate a schema to {noun}, each relation with a name.",
        attributes=new,
        answer=AnswerKind.NOTHING,
        rate=S,
        since=SINCE,
        body_type=type_,
    )
    area.custom(
        f"update_{kind}_schema_relationship",
        "PATCH",
        path,
        type_,
        f"Rename a relation of a schema to {noun}.",
        attributes=changes,
        answer=AnswerKind.NOTHING,
        rate=S,
        since=SINCE,
        body_type=type_,
    )
    area.custom(
        f"delete_{kind}_schema_relationship",
        "DELETE",
        path,
        type_,
        f"Remove relations of a schema to {noun}.",
        attributes=gone,
        answer=AnswerKind.NOTHING,
        effect=Effect.DELETE,
        rate=S,
        since=SINCE,
        body_type=type_,
    )
