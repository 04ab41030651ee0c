"""Connections: the Klaviyo accounts that Maton has a grant for. Source: Maton's public documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from klaviyo_tools.arguments.places import Query
from klaviyo_tools.arguments.types import Arguments, CountBy, Detail
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.operation.area import Area, M
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.preview import Preview
from klaviyo_tools.operation.request import Service

area = Area(
    "connections",
    search_words=(
        "maton oauth authorize login log account connect link workspace verbindung verbinden conexión conectar "
        "connexion connecter"
    ),
)

APP = {"app": "klaviyo"}


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


def _resource(connection: JSON) -> JSON:
    """The connection as a resource. Its `url` holds a session token: only a connection that is not active shows it."""
    if not isinstance(connection, Mapping):
        return connection
    hidden = {"connection_id", "url"} if connection.get("status") == "ACTIVE" else {"connection_id"}
    attributes = {name: value for name, value in connection.items() if name not in hidden}
    return {"type": "connection", "id": connection.get("connection_id"), "attributes": attributes}


area.resource_type(
    "connection",
    "status creation_time last_updated_time url",
    label="app",
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
    search_words="which accounts connected linked status authorized have",
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
    search_words="new another second account brand link authorize login sign hook up",
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
    search_words="authorized active yet pending status worked link",
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
    search_words="disconnect unlink revoke access log out remove account trennen desconectar déconnecter",
)
