"""Forms: sign-up forms on the shop's site, and the versions that visitors see."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from klaviyo_tools.areas.profiles import TIME_OPERATORS
from klaviyo_tools.arguments.marks import ValuesByRevision
from klaviyo_tools.arguments.types import Arguments, OpenObject, Text
from klaviyo_tools.operation.area import Area, S
from klaviyo_tools.operation.facts import RecordAddress
from klaviyo_tools.operation.preview import Preview

area = Area(
    "forms",
)

EXAMPLE = (
    '{"versions": [{"type": "popup", "steps": [{"columns": [{"rows": [{"blocks": [{"type": "email", "properties": '
    '{"label": "E-mail"}}]}]}]}]}]}'
)
GUIDE = "klaviyo://guide/form-definition"
HINT = f"{EXAMPLE}; describe_tool({GUIDE}) says more"


def _check_outer_shape(definition: dict[str, Any]) -> dict[str, Any]:
    """Checks the keys down to each step's columns; Klaviyo checks the blocks."""
    versions = definition.get("versions")
    if set(definition) != {"versions"} or not isinstance(versions, list) or not versions:
        raise ValueError(f"takes versions, a list, and nothing else: {HINT}")
    for place, version in enumerate(versions):
        steps = version.get("steps") if isinstance(version, dict) else None
        if not isinstance(steps, list) or not steps:
            raise ValueError(f"versions.{place} needs steps, a list: {HINT}")
        if not all(isinstance(step, dict) and isinstance(step.get("columns"), list) for step in steps):
            raise ValueError(f"each step in versions.{place} is an object with columns, a list: {HINT}")
    return definition


class NewForm(Arguments):
    name: Text
    definition: Annotated[OpenObject, AfterValidator(_check_outer_shape)] = Field(
        description=f'{{"versions":[{{"type","steps":[{{"columns":[{{"rows":[{{"blocks":[…]}}]}}]}}]}}]}}; {GUIDE}',
        examples=[json.loads(EXAMPLE)],
    )
    status: Annotated[Literal["draft", "live"], ValuesByRevision({}, until={"live": "2026-07-15"})] = Field(
        description="live shows it to visitors"
    )
    ab_test: bool = Field(description="true with several versions")


area.resource_type(
    "form",
    "name status ab_test created_at updated_at",
    "ab_test created_at definition(versions) name status updated_at",
    label="name",
    facet="status",
    date="created_at",
    relationships="form-versions:form-version",
    additional_fields="definition",
    stable_attributes="status updated_at",
)
area.resource_type(
    "form-version",
    "variation_name form_type status ab_test.variation_name form created_at updated_at",
    "ab_test(variation_name) created_at form_type status updated_at variation_name",
    label="variation_name form_type",
    facet="status",
    date="created_at",
    relationships="form",
)
area.collection(
    "get_forms",
    "/api/forms",
    "form",
    "Sign-up forms, draft or live.",
    rate=S,
    filter={
        "name": "contains equals any",
        "status": "equals",
        "ab_test": "equals",
        "id": "any equals",
        "created_at": TIME_OPERATORS,
        "updated_at": TIME_OPERATORS,
    },
    sort=("created_at", "updated_at"),
    max_page_size=100,
)
area.record(
    "get_form",
    "/api/forms/{form_id}",
    "form",
    "One form with its whole definition.",
    rate=S,
    address=RecordAddress("A sign-up form with all that is on it.", completes_ids=True),
    extra_fields=("definition",),
)
area.collection(
    "get_versions_for_form",
    "/api/forms/{form_id}/form-versions",
    "form-version",
    "Versions of a form: type, status, A/B variation.",
    rate=S,
    aliases="get_form_form_versions get_form_versions",
    filter={"status": "equals", "form_type": "equals any", "created_at": TIME_OPERATORS, "updated_at": TIME_OPERATORS},
    sort=("created_at", "updated_at"),
    max_page_size=100,
    ids_operation="get_version_ids_for_form",
)
area.record(
    "get_form_version",
    "/api/form-versions/{form_version_id}",
    "form-version",
    "One version of a form.",
    rate=S,
    include=("form",),
    values_since={"form": "2026-07-15"},
)
area.record(
    "get_form_for_form_version",
    "/api/form-versions/{form_version_id}/form",
    "form",
    "The form that a version belongs to.",
    rate=S,
    aliases="get_form_version_form",
    ids_operation="get_form_id_for_form_version",
)
area.create(
    "create_form",
    "/api/forms",
    "form",
    NewForm,
    "Create a sign-up form; if live, visitors see it at once.",
    rate=S,
    preview=Preview(("create the sign-up form {name:120}, status {status}.", "Definition: {definition}")),
)
area.delete(
    "delete_form",
    "/api/forms/{form_id}",
    "form",
    "Delete a form and its versions.",
    rate=S,
    preview=Preview(facts=("status",)),
)
