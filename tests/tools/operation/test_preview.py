"""A declared preview names only arguments, attributes, relationships and reads that exist."""

from __future__ import annotations

from string import Formatter

import pytest

from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.preview import Preview
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import registry, resource_type
from klaviyo_tools.resource_types import ResourceType

DECLARED = [one for one in registry().values() if isinstance(one.preview, Preview)]


def preview_of(operation: Operation) -> Preview:
    assert isinstance(operation.preview, Preview)
    return operation.preview


def record_type(operation: Operation) -> ResourceType | None:
    """The type of the record that a preview is about."""
    record = preview_of(operation).record
    if record is not None:
        return resource_type(registry().record_reads[record[0]].resource)
    read = registry().read_in_path(operation)
    return resource_type(read.resource) if read else None


@pytest.mark.parametrize("operation", DECLARED, ids=lambda one: one.name)
def test_placeholders_are_of_arguments_or_of_the_record_and_what_is_joined_to_it(operation: Operation) -> None:
    type_ = record_type(operation)
    for sentence in preview_of(operation).sentences:
        for _, name, _, _ in Formatter().parse(sentence):
            if name is None:
                continue
            of, _, path = name.partition(".")
            if of in operation.arguments.model_fields:
                continue
            assert type_ is not None, name
            if of == "record":
                assert path in ("", *type_.fields), name
            else:
                assert of in type_.relationships, name
                assert path in ("", *resource_type(type_.relationships[of]).fields), name


@pytest.mark.parametrize("operation", DECLARED, ids=lambda one: one.name)
def test_what_is_shown_of_a_record_can_be_read(operation: Operation) -> None:
    declared, type_ = preview_of(operation), record_type(operation)
    if declared.record is not None:
        assert declared.record[1] in operation.arguments.model_fields
    if type_ is None:
        assert declared == Preview(declared.sentences, consequence=declared.consequence)
        return
    read = registry().record_reads[type_.type]
    if operation.service is Service.KLAVIYO:  # Maton's records take no fields, so that none are declared
        assert set(declared.facts) <= set(type_.fields)
    assert set(declared.joined) <= set(read.reading.include)
    assert set(declared.linked) <= set(type_.relationships)
    assert not declared.profile_count or "profile_count" in read.reading.additional_fields
    assert not declared.contents or len(registry()[declared.contents].path_ids) == 1


def test_the_record_of_a_relationship_is_the_one_in_its_path() -> None:
    operations = registry()
    assert operations.read_in_path(operations["add_profiles_to_list"]) is operations["get_list"]
    assert operations.read_in_path(operations["delete_list"]) is operations["get_list"]
    assert operations.read_in_path(operations["create_list"]) is None
