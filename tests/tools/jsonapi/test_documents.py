"""Flat arguments become the documents that Klaviyo takes."""

from __future__ import annotations

from typing import Annotated

from klaviyo_tools.arguments.places import Attribute, Embedded, Linkage, Meta, Relationship, Target
from klaviyo_tools.arguments.types import Arguments, Id, OpenObject, clearable
from klaviyo_tools.jsonapi.documents import build_document, relationship_name


class Where(Arguments):
    city: str | None = None


class Member(Arguments):
    id: Annotated[Id | None, Target()] = None
    email: str | None = None
    kx: Annotated[str | None, Attribute("_kx")] = None
    where: Where | None = None
    append: Annotated[OpenObject | None, Attribute("meta.patch_properties.append")] = None


class Job(Arguments):
    label: clearable(str) = None  # type: ignore[valid-type]
    unset: Annotated[list[str] | None, Meta("patch_properties.unset")] = None
    profiles: Annotated[list[Member] | None, Embedded("profile")] = None
    owner: Annotated[Member | None, Embedded("profile", "the-owner")] = None
    list_id: Annotated[Id | None, Relationship("list")] = None
    tag_ids: Annotated[list[Id] | None, Relationship("tag")] = None


class Send(Arguments):
    campaign_id: Annotated[Id, Target()]


class Members(Arguments):
    profile_ids: Annotated[list[Id], Linkage("profile")]


def test_only_given_arguments_are_sent_and_a_given_null_clears() -> None:
    assert build_document("job", Job(label=None)) == {"data": {"type": "job", "attributes": {"label": None}}}


def test_empty_attributes_are_sent_where_the_resource_has_attributes() -> None:
    assert build_document("job", Job()) == {"data": {"type": "job", "attributes": {}}}


def test_an_action_without_attributes_sends_its_target_alone() -> None:
    assert build_document("send", Send(campaign_id="01C")) == {"data": {"type": "send", "id": "01C"}}


def test_linkage_is_the_whole_of_data() -> None:
    assert build_document("profile", Members(profile_ids=["a", "b"])) == {
        "data": [{"type": "profile", "id": "a"}, {"type": "profile", "id": "b"}]
    }


def test_embedded_objects_become_resources_and_ids_become_relationships() -> None:
    job = Job(
        profiles=[Member(id="01P", email="a@example.com", kx="k", where=Where(city="Oslo"), append={"a": None})],
        owner=Member(email="b@example.com"),
        list_id="Y6nRLr",
        tag_ids=["t1"],
        unset=["x"],
    )
    assert build_document("job", job, "J1") == {
        "data": {
            "type": "job",
            "id": "J1",
            "attributes": {
                "profiles": {
                    "data": [
                        {
                            "type": "profile",
                            "id": "01P",
                            "attributes": {
                                "email": "a@example.com",
                                "_kx": "k",
                                "where": {"city": "Oslo"},
                                "meta": {"patch_properties": {"append": {"a": None}}},
                            },
                        }
                    ]
                },
                "the-owner": {"data": {"type": "profile", "attributes": {"email": "b@example.com"}}},
            },
            "relationships": {
                "list": {"data": {"type": "list", "id": "Y6nRLr"}},
                "tags": {"data": [{"type": "tag", "id": "t1"}]},
            },
            "meta": {"patch_properties": {"unset": ["x"]}},
        }
    }


def test_relationships_are_named_after_their_arguments() -> None:
    assert relationship_name("tag_group_id") == "tag-group"
    assert relationship_name("webhook_topic_ids") == "webhook-topics"
