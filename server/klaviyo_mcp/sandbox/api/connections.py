"""Maton's own resource: the OAuth connections of its account, as its public documentation describes them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from random import Random
from typing import Any

from klaviyo_mcp.sandbox.errors import MatonError

_FIRST_CONNECTION_ID = "21fd90f9-5935-43cd-b6c8-bde9d915ca80"


class Connections:
    """The connections by id. One is active from the start.

    A new connection is PENDING, and ACTIVE from its second read on, as if a person had authorized it meanwhile.
    """

    def __init__(self, *, now: str, seed: int) -> None:
        self._random = Random(seed)
        self._reads: dict[str, int] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        self._add(_FIRST_CONNECTION_ID, "klaviyo", "ACTIVE", now)

    def _add(self, id_: str, app: str, status: str, now: str) -> dict[str, Any]:
        self.by_id[id_] = {
            "connection_id": id_,
            "status": status,
            "creation_time": now,
            "last_updated_time": now,
            "url": f"https://connect.maton.ai/?session_token={uuid.UUID(int=self._random.getrandbits(128)).hex}",
            "app": app,
            "metadata": {},
        }
        return self.by_id[id_]

    def active(self, app: str = "klaviyo") -> list[str]:
        """The ids of an app's active connections."""
        return [id_ for id_, one in self.by_id.items() if one["app"] == app and one["status"] == "ACTIVE"]

    def select(self, id_: str | None) -> str:
        """The connection that a request to Klaviyo goes through: the one named, or the first active one.

        Raises MatonError (400) where there is none.
        """
        active = self.active()
        if id_:
            if id_ not in active:
                raise MatonError(400, f"No active klaviyo connection with id {id_}.")
            return id_
        if not active:
            raise MatonError(400, "No active klaviyo connection found. Create one at POST /connections.")
        return active[0]

    def answer(self, method: str, path: str, parameters: Mapping[str, str], body: Any, now: str) -> tuple[int, Any]:
        """The status and document for a request to `/connections…`. Raises MatonError."""
        id_ = path.removeprefix("/connections").strip("/")
        if not id_:
            if method == "GET":
                connections = [one for one in self.by_id.values() if _matches(one, parameters)]
                return 200, {"connections": connections}
            if method == "POST":
                return 200, {"connection": dict(self._create(body, now))}
            raise MatonError(405, "Method not allowed.")
        connection = self.by_id.get(id_)
        if connection is None:
            raise MatonError(404, f"Connection {id_} not found.")
        if method == "GET":
            return 200, {"connection": self._read(connection, now)}
        if method == "DELETE":
            del self.by_id[id_]
            return 200, {}
        raise MatonError(405, "Method not allowed.")

    def _create(self, body: Any, now: str) -> dict[str, Any]:
        app = body.get("app") if isinstance(body, dict) else None
        if not isinstance(app, str) or not app:
            raise MatonError(400, "The field 'app' is required.")
        return self._add(str(uuid.UUID(int=self._random.getrandbits(128), version=4)), app, "PENDING", now)

    def _read(self, connection: dict[str, Any], now: str) -> dict[str, Any]:
        if connection["status"] == "PENDING":
            id_ = connection["connection_id"]
            self._reads[id_] = self._reads.get(id_, 0) + 1
            if self._reads[id_] > 1:
                connection |= {"status": "ACTIVE", "last_updated_time": now}
        return dict(connection)


def _matches(connection: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
    return all(connection[name] == parameters[name] for name in ("app", "status") if name in parameters)
