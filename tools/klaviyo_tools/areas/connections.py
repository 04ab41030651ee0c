"""Connections: the Klaviyo accounts that Maton has a grant for. Source: Maton's public documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from klaviyo_tools.arguments.places import Query
from klaviyo_tools.arguments.types import Arguments, CountBy, Detail
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.operation.area import Area, M
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.preview import Preview
from klaviyo_tools.operation.request import Service

area = Area("connections")

APP = {"app": "klaviyo"}
MAX_URL_CHARACTERS = 2_000
_HTTPS_URL = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?([/?#][!-~]*)?", re.IGNORECASE | re.ASCII)
"""An https address of a named host, without a user name, blanks or letters that look like others."""


class ConnectionsByStatus(Arguments):
    status: Annotated[Literal["ACTIVE", "PENDING", "FAILED"] | None, Query("status")] = None
    count_by: CountBy | None = None
    detail: Detail = "summary"


def connections_document(answer: JSON) -> JSON:
    """Maton's `{"connections": […]}` as a JSON:API document; an answer in another form is returned unchanged."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("connections"), list):
        return answer
    return {"data": [_resource(one) for one in answer["connections"]]}


def connection_document(answer: JSON) -> JSON:
    """Maton's `{"connection": {…}}` as a JSON:API document; an answer in another form is returned unchanged."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("connection"), Mapping):
        return answer
    return {"data": _resource(answer["connection"])}


def authorization_url(url: object) -> str:
    """The address at which a person authorizes a connection; empty unless it is an https address that they may open.

    The gateway names it: it could be a script, or hide the host that it leads to.
    """
    if not isinstance(url, str) or len(url) > MAX_URL_CHARACTERS or not _HTTPS_URL.fullmatch(url):
        return ""
    return url


def _resource(connection: JSON) -> JSON:
    """The connection as a resource. Its `url` holds a session token: only a connection that is not active shows it.

    An address that a person must not open is left out, too.
    """
    if not isinstance(connection, Mapping):
        return connection
    hidden = {"connection_id"}
    if connection.get("status") == "ACTIVE" or not authorization_url(connection.get("url")):
        hidden.add("url")
    attributes = {name: value for name, value in connection.items() if name not in hidden}
    return {"type": "connection", "id": connection.get("connection_id"), "attributes": attributes}


area.resource_type(
    "connection",
    "status creation_time last_updated_time url",
    "status creation_time last_updated_time url app method metadata",
    untrusted="app method metadata",
    trusted_values=(APP["app"], "OAUTH2", "API_KEY"),
    facet="status",
    date="creation_time",
)
area.custom(
    "list_connections",
    "GET",
    "/connections",
    "connection",
    "Connected Klaviyo accounts.",
    attributes=ConnectionsByStatus,
    answer=AnswerKind.COLLECTION,
    rate=M,
    scopes="",
    sparse_fieldsets=False,
    service=Service.MATON,
    fixed_parameters=APP,
    to_json_api=connections_document,
)
area.custom(
    "create_connection",
    "POST",
    "/connections",
    "connection",
    "Connect an account: a person must open the url in the answer.",
    answer=AnswerKind.RECORD,
    rate=M,
    scopes="",
    service=Service.MATON,
    fixed_parameters=APP,
    to_json_api=connection_document,
    verify_with="list_connections",
)
area.record(
    "get_connection",
    "/connections/{connection_id}",
    "connection",
    "A connection: its status, or url to open.",
    rate=M,
    scopes="",
    sparse_fieldsets=False,
    service=Service.MATON,
    to_json_api=connection_document,
)
area.delete(
    "delete_connection",
    "/connections/{connection_id}",
    "connection",
    "Disconnect an account; its data stay.",
    rate=M,
    preview=Preview(
        ("disconnect the Klaviyo connection with id {connection_id}.",),
        facts=("status", "creation_time"),
        consequence=(
            "Nothing more can be done in its account from here until a person authorizes a new connection; its data "
            "stay."
        ),
    ),
    scopes="",
    service=Service.MATON,
)
