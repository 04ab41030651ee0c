"""A stand-in for Maton and Klaviyo on loopback. It keeps the bytes of its answers, so that it costs little itself.

`python -m benchmarks.upstream` prints its port. GET /_/set?delay=20&total=1000 sets how many milliseconds an answer
waits and how many profiles there are. GET /_/stats counts the requests and connections since the last set.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from urllib.parse import parse_qsl, urlsplit

MAX_PAGE_SIZE = 100
_COUNTRIES = ("Norway", "Sweden", "Denmark", "Finland", "Iceland", "Estonia", "Latvia")
_CONNECTION = {
    "connection_id": "7d1c2f0a-5c1e-4a53-9a41-1f0c6e2b9d10",
    "status": "ACTIVE",
    "creation_time": "2026-01-05T09:00:00+00:00",
    "last_updated_time": "2026-01-05T09:00:00+00:00",
    "url": "https://connect.example.com/",
    "app": "klaviyo",
    "metadata": {},
}
_ACCOUNT = {
    "type": "account",
    "id": "Ab12Cd",
    "attributes": {
        "test_account": False,
        "contact_information": {
            "default_sender_name": "Fjord Outdoor",
            "default_sender_email": "hello@example.com",
            "organization_name": "Fjord Outdoor",
        },
        "timezone": "Europe/Oslo",
        "preferred_currency": "NOK",
        "locale": "en-US",
    },
}


def profile(number: int) -> dict[str, Any]:
    """An invented profile with every attribute that Klaviyo answers by default, 1.6 kB."""
    id_ = f"01JBENCH{number:018d}"
    here = f"https://a.klaviyo.com/api/profiles/{id_}"
    return {
        "type": "profile",
        "id": id_,
        "attributes": {
            "email": f"person{number}@example.com",
            "phone_number": f"+4790{number % 1_000_000:06d}",
            "external_id": f"C-{number}",
            "first_name": "Ingrid",
            "last_name": "Solberg",
            "organization": None,
            "locale": "nb-NO",
            "title": None,
            "image": None,
            "created": "2026-01-05T09:14:03+00:00",
            "updated": "2026-03-02T18:40:51+00:00",
            "last_event_date": "2026-03-02T18:40:51+00:00",
            "location": {
                "address1": "Storgata 12",
                "address2": None,
                "city": "Oslo",
                "country": _COUNTRIES[number % len(_COUNTRIES)],
                "latitude": 59.91,
                "longitude": 10.75,
                "region": "Oslo",
                "zip": "0155",
                "timezone": "Europe/Oslo",
                "ip": None,
            },
            "properties": {"loyalty_tier": "gold", "favorite_activity": "skiing", "shoe_size": 41},
        },
        "relationships": {
            name: {"links": {"self": f"{here}/relationships/{name}/", "related": f"{here}/{name}/"}}
            for name in ("lists", "segments", "push-tokens", "conversation")
        },
        "links": {"self": here},
    }


def page(records: int, next_cursor: str | None = None) -> bytes:
    """A document of so many profiles, with the link to the next page."""
    here = f"https://a.klaviyo.com/api/profiles?page%5Bsize%5D={records}"
    links = {"self": here, "prev": None, "next": f"{here}&page%5Bcursor%5D={next_cursor}" if next_cursor else None}
    return json.dumps({"data": [profile(number) for number in range(records)], "links": links}).encode()


class Upstream:
    """The answers and the counts of the stand-in."""

    def __init__(self) -> None:
        self.delay_seconds, self.total = 0.0, MAX_PAGE_SIZE
        self.requests = self.connections = 0
        self._pages: dict[tuple[int, bool], bytes] = {}
        self._other_answers = {
            "connections": json.dumps({"connections": [_CONNECTION]}).encode(),
            "accounts": json.dumps({"data": [_ACCOUNT], "links": {"next": None}}).encode(),
        }

    def answer(self, target: str) -> bytes:
        """The body of the answer to a request."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        name = parts.path.rstrip("/").rpartition("/")[2]
        if parts.path.startswith("/_/"):
            return self._control(name, query)
        self.requests += 1
        if name != "profiles":
            return self._other_answers.get(name, b'{"data": []}')
        size = min(int(query.get("page[size]", 20)), MAX_PAGE_SIZE, self.total)
        end = int(query.get("page[cursor]", "0")) + size
        more = end < self.total
        if (size, more) not in self._pages:
            self._pages[size, more] = page(size, "NEXT" if more else None)
        return self._pages[size, more].replace(b"=NEXT", b"=%d" % end)

    def _control(self, name: str, query: dict[str, str]) -> bytes:
        if name == "set":
            self.delay_seconds = float(query.get("delay", self.delay_seconds * 1000)) / 1000
            self.total = int(query.get("total", self.total))
            self.requests = self.connections = 0
        return json.dumps({"requests": self.requests, "connections": self.connections}).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of a connection until it ends."""
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                _, target, _ = head.split(" ", 2)
                body = self.answer(target)
                if self.delay_seconds and not target.startswith("/_/"):
                    await asyncio.sleep(self.delay_seconds)
                media_type = b"application/vnd.api+json"
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (media_type, len(body), body)
                )
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


async def main() -> None:
    """Serve until standard input ends."""
    server = await asyncio.start_server(Upstream().serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
