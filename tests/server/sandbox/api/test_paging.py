"""Pages of collections and their cursors."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.server.sandbox.sandbox_api import Api, create_list, create_profiles, refused_parameter

pytestmark = pytest.mark.anyio


def cursor(document: Any, link: str = "next") -> str:
    """The cursor in a link of a document."""
    (value,) = parse_qs(str(urlsplit(document["links"][link]).query))["page[cursor]"]
    return value


async def all_ids(api: Api, path: str, **query: str) -> list[str]:
    """The ids on all pages, which are reached by the cursors in their links."""
    ids: list[str] = []
    document = await api.get(path, params=query)
    while True:
        ids += [resource["id"] for resource in document["data"]]
        if "next" not in document["links"]:
            return ids
        assert document["links"]["next"].startswith("https://a.klaviyo.com/api/")
        document = await api.get(path, params={**query, "page[cursor]": cursor(document)})


@pytest.mark.parametrize("sort", ["email", "-email", "id", "created", "-created"])
async def test_pages_hold_every_record_once_and_in_order(api: Api, sort: str) -> None:
    ids = await create_profiles(api, 11)
    read = await all_ids(api, "profiles", sort=sort, **{"page[size]": "3"})
    assert sorted(read) == sorted(ids)
    if sort.endswith("email"):
        assert read == (ids if sort == "email" else ids[::-1])


async def test_a_cursor_keeps_its_place_while_records_come_and_go(api: Api) -> None:
    ids = await create_profiles(api, 6)
    query = {"sort": "email", "page[size]": "2"}
    first = await api.get("profiles", params=query)
    await api.create("profile", "profiles", email="a@example.com")
    await api.create("profile", "profiles", email="p02b@example.com")
    api.sandbox.store.remove("profile", ids[1])
    second = await api.get("profiles", params={**query, "page[cursor]": cursor(first)})
    assert [one["attributes"]["email"] for one in second["data"]] == ["p02@example.com", "p02b@example.com"]
    previous = await api.get("profiles", params={**query, "page[cursor]": cursor(second, "prev")})
    assert [one["attributes"]["email"] for one in previous["data"]] == ["a@example.com", "p00@example.com"]


async def test_a_cursor_of_another_sort_is_refused(api: Api) -> None:
    await create_profiles(api, 3)
    first = await api.get("profiles", params={"sort": "email", "page[size]": "1"})
    await refused_parameter(api, "profiles", "page[cursor]", sort="created", **{"page[cursor]": cursor(first)})


async def test_lists_come_ten_to_a_page(api: Api) -> None:
    for n in range(12):
        await create_list(api, name=f"L{n:02d}")
    document = await api.get("lists", sort="name")
    assert len(document["data"]) == 10
    assert len(await all_ids(api, "lists", sort="name")) == 12
