"""The declared resource types agree with Klaviyo's OpenAPI documents, shipped as a contract and as published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.contract.openapi import openapi_documents, restore_attributes

from klaviyo_mcp.sandbox.contract.contract import read_contract
from klaviyo_tools.operation.area import Area
from klaviyo_tools.registry import Registry, registry, resource_type
from klaviyo_tools.resource_types import ResourceType

RESOURCES = {name: row for name, row in registry().resource_types.items() if name != "connection"}
"""The types of Klaviyo's answers; connections are Maton's."""
REVISIONS = ("2026-01-15", "2026-07-15")

# Klaviyo describes these as objects without saying what is in them; what is said here comes from its answers.
UNDESCRIBED = {("metric", "integration")}


@dataclass
class Documented:
    """What the two documents together say of one resource type."""

    attributes: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    fields_of_writes: set[str] = field(default_factory=set)
    relationships: dict[str, set[str]] = field(default_factory=dict)
    without_depth: set[str] = field(default_factory=set)
    """Attributes that the shipped contract leaves open because their schemas are too deep for it."""


class Document:
    """One OpenAPI document, its references followed and its alternatives laid side by side."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root

    def operations(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Method and operation of every path but those for browsers."""
        for path, item in self.root["paths"].items():
            if not path.startswith("/client/"):
                yield from ((method, operation) for method, operation in item.items() if "responses" in operation)

    def follow(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            target: Any = self.root
            for key in schema["$ref"].split("/")[1:]:
                target = target[key]
            schema = target
        return schema

    def objects(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Property schemas of every object that the schema allows, itself or as an item of its array."""
        schema = self.follow(schema)
        alternatives = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
        if schema.get("type") == "array":
            alternatives.append(schema["items"])
        for alternative in alternatives:
            yield from self.objects(alternative)
        parts = [below for part in schema.get("allOf", ()) for below in self.objects(part)]
        if parts or "properties" in schema:
            yield {name: targets for part in (*parts, schema.get("properties", {})) for name, targets in part.items()}

    def paths(self, schema: dict[str, Any], prefix: str = "", depth: int = 5) -> Iterator[str]:
        schema = self.follow(schema)
        for key in ("oneOf", "anyOf", "allOf"):
            for alternative in schema.get(key, ()):
                yield from self.paths(alternative, prefix, depth)
        for name, below in schema.get("properties", {}).items():
            yield prefix + name
            if depth:
                yield from self.paths(below, f"{prefix}{name}.", depth - 1)

    def read_into(self, types: dict[str, Documented]) -> None:
        for method, operation in self.operations():
            for parameter in map(self.follow, operation.get("parameters", ())):
                if parameter["name"].startswith("fields["):
                    name = parameter["name"][len("fields[") : -1]
                    documented = types.setdefault(name, Documented())
                    fields = documented.fields if method == "get" else documented.fields_of_writes
                    fields.update(parameter["schema"]["items"]["enum"])
            for status, response in operation["responses"].items():
                for content in self.follow(response).get("content", {}).values() if status[0] == "2" else ():
                    for top in self.objects(content["schema"]):
                        for part in (top[key] for key in ("data", "included") if key in top):
                            for record in self.objects(part):
                                self.read_record(record, types)

    def read_record(self, record: dict[str, Any], types: dict[str, Documented]) -> None:
        (name,) = self.follow(record["type"])["enum"]
        documented = types.setdefault(name, Documented())
        documented.attributes.update(self.paths(record.get("attributes", {})))
        for relationships in self.objects(record.get("relationships", {})):
            for relationship, schema in relationships.items():
                targets = documented.relationships.setdefault(relationship, set())
                for body in self.objects(schema):
                    for identifier in self.objects(body.get("data", {})):
                        targets.update(self.follow(identifier["type"])["enum"])


OPEN = ("object", "object?")
SOURCES = [source for source in ("shipped", "published") if source in openapi_documents(REVISIONS[-1])]


@pytest.fixture(scope="module", params=SOURCES)
def documented(request: pytest.FixtureRequest) -> dict[str, Documented]:
    types: dict[str, Documented] = {}
    for revision in REVISIONS:
        document = Document(openapi_documents(revision)[request.param])
        document.read_into(types)
        contract = read_contract(revision)
        for name, row in contract["resources"].items() if request.param == "shipped" else ():
            types[name].attributes.update(document.paths(restore_attributes(contract, name)))
            types[name].without_depth.update(one for one, shape in row["attributes"].items() if shape in OPEN)
    return types


def _is_documented(row: ResourceType, path: str, documented: Documented) -> bool:
    top = path.partition(".")[0]
    return path in documented.attributes or top in documented.without_depth or (row.type, top) in UNDESCRIBED


def test_every_type_that_klaviyo_answers_with_is_in_the_table_and_no_other(documented: dict[str, Documented]) -> None:
    assert set(RESOURCES) == set(documented)


def test_columns_exist_in_klaviyos_answers(documented: dict[str, Documented]) -> None:
    unknown = [
        (row.type, path)
        for row in RESOURCES.values()
        for path in (*row.columns, *row.additional_columns, *row.label, *filter(None, (row.facet, row.date)))
        if not _is_documented(row, path, documented[row.type]) and path not in row.relationships
    ]
    assert unknown == []


def test_labels_dates_and_additional_columns_are_attributes_not_relationships() -> None:
    for row in RESOURCES.values():
        assert not {*row.label, *row.additional_columns, row.date} & set(row.relationships), row.type


def test_fields_are_exactly_those_klaviyo_accepts(documented: dict[str, Documented]) -> None:
    for row in RESOURCES.values():
        assert len(set(row.fields)) == len(row.fields), row.type
        fields = documented[row.type].fields or documented[row.type].fields_of_writes
        assert set(row.fields) == fields, row.type


def test_relationships_lead_where_klaviyo_says(documented: dict[str, Documented]) -> None:
    for row in RESOURCES.values():
        targets = {name: {target} for name, target in row.relationships.items()}
        assert targets == documented[row.type].relationships, row.type


def test_every_relationship_leads_to_a_type_of_the_table() -> None:
    assert {target for row in RESOURCES.values() for target in row.relationships.values()} <= set(RESOURCES)


def test_untrusted_attributes_exist_in_klaviyos_answers(documented: dict[str, Documented]) -> None:
    unknown = [
        (row.type, path)
        for row in RESOURCES.values()
        for path in row.untrusted
        if not _is_documented(row, path, documented[row.type])
    ]
    assert unknown == []


def test_the_columns_of_a_type_can_be_asked_for_in_fields() -> None:
    """A sparse fieldset saves the bytes of the rest: the column, or what holds it, is one that Klaviyo accepts."""
    for row in RESOURCES.values():
        for path in (*row.columns, *row.additional_columns, *row.label):
            holders = {path.rsplit(".", cut)[0] for cut in range(path.count(".") + 1)}
            assert holders & set(row.fields) or path in row.relationships, (row.type, path)


def test_a_summary_has_at_most_nine_columns_and_no_column_twice() -> None:
    for row in RESOURCES.values():
        columns = row.columns_with(row.fields)
        assert len(row.columns) <= 9, row.type
        assert len(set(columns)) == len(columns), row.type


def test_every_type_with_attributes_has_columns() -> None:
    bare = {row.type for row in RESOURCES.values() if not row.columns}
    assert bare == {"webhook-topic"}  # its id is all it has


def test_no_column_holds_text_without_bounds() -> None:
    unbounded = {"html", "text", "amp", "definition", "properties", "original_payload", "custom_metadata"}
    assert [(row.type, path) for row in RESOURCES.values() for path in row.columns if path in unbounded] == []


def test_a_type_is_declared_once() -> None:
    area = Area("things")
    area.resource_type("thing", "name", "name size", label="name")
    with pytest.raises(ValueError, match="thing is declared twice"):
        area.job_type("thing", "things:thing")
    others = Area("others")
    others.resource_type("thing")
    with pytest.raises(ValueError, match="thing of others is declared in another area too"):
        Registry([area, others])


def test_a_field_is_accepted_from_the_revision_that_brought_it() -> None:
    profile = resource_type("profile")
    late = {path for path in profile.fields if path.startswith("subscriptions.email.open_tracking")}
    assert len(late) == 8
    assert set(profile.fields_at("2026-07-15")) == set(profile.fields)
    assert set(profile.fields_at("2026-01-15")) == set(profile.fields) - late - {"id"}


def test_the_table_keeps_each_row_under_its_own_name() -> None:
    assert {name: row.type for name, row in RESOURCES.items()} == {name: name for name in RESOURCES}


def test_an_unknown_type_is_shown_whole_and_not_trusted() -> None:
    assert resource_type("loyalty-card") == ResourceType(
        type="loyalty-card",
        columns=(),
        fields=("id",),
        label=("name", "title"),
        facet=None,
        date=None,
        relationships={},
        untrusted=("*",),
    )


def test_a_known_type_is_the_row_of_the_table() -> None:
    assert resource_type("profile") is RESOURCES["profile"]


def test_the_label_of_a_profile_is_its_address_and_its_text_is_untrusted() -> None:
    profile = resource_type("profile")
    assert profile.label == ("email", "phone_number", "external_id")
    assert {"first_name", "last_name", "organization", "title", "location", "properties"} < set(profile.untrusted)


def test_text_of_customers_is_marked_and_text_of_the_account_is_not() -> None:
    assert resource_type("event").untrusted == ("event_properties",)
    assert {"author", "content", "email", "title"} < set(resource_type("review").untrusted)
    assert resource_type("metric").untrusted == ("name", "integration")
    assert resource_type("metric-property").untrusted == ("label", "property", "sample_values")
    for own in ("campaign", "template", "flow", "list", "segment", "catalog-item", "tag", "account"):
        assert resource_type(own).untrusted == ()


def test_additional_fields_add_their_columns() -> None:
    profile = resource_type("profile")
    assert profile.columns_with(()) == profile.columns
    assert profile.columns_with(["subscriptions"]) == (
        *profile.columns,
        "subscriptions.email.marketing.consent",
        "subscriptions.sms.marketing.consent",
        "subscriptions.mobile_push.marketing.consent",
    )
    assert resource_type("list").columns_with(["profile_count"])[-1] == "profile_count"


def test_a_nested_attribute_is_accepted_as_klaviyo_writes_it() -> None:
    fields = resource_type("tracking-setting").fields
    assert fields[:5] == ("id", "auto_add_parameters", "custom_parameters", "utm_campaign", "utm_id")
    assert fields.count("utm_term.flow.value") == 1
    assert "location.city" in resource_type("profile").fields


def test_the_registry_of_types_is_read_only() -> None:
    with pytest.raises(TypeError):
        registry().resource_types["profile"] = resource_type("event")  # type: ignore[index]
    with pytest.raises(TypeError):
        resource_type("event").relationships["profile"] = "list"  # type: ignore[index]
