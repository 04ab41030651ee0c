"""A client that calls the sandbox in process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from klaviyo_mcp.sandbox.app import Sandbox

REVISION = "2026-01-15"
HEADERS = {"authorization": "Bearer sandbox", "revision": REVISION}


async def send(
    sandbox: Sandbox, method: str, path: str, headers: Mapping[str, str] = HEADERS, **request: Any
) -> httpx.Response:
    """Send one request as it is, to the gateway or to the control endpoints."""
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        return await client.request(method, path, headers=headers, **request)


def only_error(document: Any) -> dict[str, Any]:
    """The one error of an error document."""
    (error,) = document["errors"]
    assert set(error) == {"id", "status", "code", "title", "detail", "source", "links", "meta"}
    assert isinstance(error["detail"], str)
    return dict(error)


class Api:
    """Klaviyo behind the gateway. Each call returns the answer's document, and fails the test on another status."""

    def __init__(self, client: httpx.AsyncClient, sandbox: Sandbox) -> None:
        self.client = client
        self.sandbox = sandbox

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Any:
        """Send a request. Parameters whose names are no Python names go into `params`."""
        response = await self.client.request(
            method,
            path,
            params=query.get("params") or query,
            content=None if body is None else json.dumps(body),
            headers={"content-type": "application/vnd.api+json", **(headers or {})} if body is not None else headers,
        )
        assert response.status_code == status, (method, path, response.status_code, response.text)
        return response.json() if response.content else None

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return await self.send("GET", f"/klaviyo/api/{path}", None, status, **query)

    async def ids(self, path: str, **query: Any) -> list[str]:
        """The ids of the resources in a collection."""
        return [resource["id"] for resource in (await self.get(path, **query))["data"]]

    async def attributes(self, path: str, **query: Any) -> dict[str, Any]:
        """The attributes of a resource."""
        attributes: dict[str, Any] = (await self.get(path, **query))["data"]["attributes"]
        return attributes

    async def post(self, path: str, body: Any, status: int = 201, **query: Any) -> Any:
        return await self.send("POST", f"/klaviyo/api/{path}", body, status, **query)

    async def patch(self, path: str, body: Any, status: int = 200, **query: Any) -> Any:
        return await self.send("PATCH", f"/klaviyo/api/{path}", body, status, **query)

    async def delete(self, path: str, body: Any = None, status: int = 204, **query: Any) -> Any:
        return await self.send("DELETE", f"/klaviyo/api/{path}", body, status, **query)

    async def create(self, type_: str, path: str, **attributes: Any) -> Any:
        """Create a resource with these attributes, and return it."""
        document = await self.post(path, {"data": {"type": type_, "attributes": attributes}})
        return document["data"]


@asynccontextmanager
async def api_of(sandbox: Sandbox, revision: str = REVISION) -> AsyncIterator[Api]:
    """The sandbox's API at a revision."""
    headers = {**HEADERS, "revision": revision}
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        yield Api(client, sandbox)


def profile(**attributes: Any) -> dict[str, Any]:
    """A profile in a body."""
    return {"type": "profile", "attributes": attributes}


async def create_profiles(api: Api, count: int) -> list[str]:
    """Create profiles p00@example.com, p01@example.com and so on in Oslo; return their ids."""
    profiles = [
        await api.create(
            "profile", "profiles", email=f"p{n:02d}@example.com", first_name=f"N{n % 3}", location={"city": "Oslo"}
        )
        for n in range(count)
    ]
    return [profile["id"] for profile in profiles]


async def create_list(api: Api, *profile_ids: str, **attributes: Any) -> str:
    """Create a list with these members; return its id."""
    list_ = await api.create("list", "lists", **{"name": "L", **attributes})
    for profile_id in profile_ids:
        api.sandbox.store.join("list", list_["id"], profile_id)
    return str(list_["id"])


async def refused_parameter(api: Api, path: str, parameter: str, **query: str) -> str:
    """The detail of the error with which a read is refused for this parameter."""
    error = only_error(await api.get(path, 400, params=query))
    assert error["source"] == {"parameter": parameter}
    return str(error["detail"])


def to_one(type_: str, id_: str) -> dict[str, Any]:
    """A relationship of a body that names one resource."""
    return {"data": {"type": type_, "id": id_}}


def to_many(type_: str, *ids: str) -> dict[str, Any]:
    """A relationship of a body, or a body, that names several resources."""
    return {"data": [{"type": type_, "id": id_} for id_ in ids]}
