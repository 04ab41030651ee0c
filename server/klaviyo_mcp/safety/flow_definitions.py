"""What the definitions of a flow's actions hold: templates, addresses of webhooks, types and statuses of actions.

An A/B test holds its actions inside its own definition, so that all of them are searched to any depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit


def action_type(definition: Any) -> str:
    """The type of an action, such as `send-email`; empty where it has none."""
    type_ = definition.get("type") if isinstance(definition, Mapping) else None
    return str(type_ or "").lower().replace("_", "-")


def action_status(definition: Any) -> str:
    """The status of an action; empty where it has none."""
    data = definition.get("data") if isinstance(definition, Mapping) else None
    return str(data.get("status") or "").lower() if isinstance(data, Mapping) else ""


def template_ids(definition: Any) -> set[str]:
    """All templates that an action names."""
    ids = (inner.get("template_id") for inner in _objects(definition))
    return {id_ for id_ in ids if isinstance(id_, str)}


def webhook_hosts(definition: Any) -> list[str]:
    """The host of each address that an action posts to; one that cannot be read is `an unknown host`."""
    hosts = []
    for inner in _objects(definition):
        if action_type(inner) == "send-webhook":
            urls = [found.get("url") for found in _objects(inner) if found.get("url")]
            hosts.append(_host(urls[0] if urls else None))
    return hosts


def alert_addresses(definition: Any) -> list[str]:
    """The addresses that an action's internal alerts go to."""
    addresses = []
    for inner in _objects(definition):
        if action_type(inner) == "send-internal-alert":
            for found in _objects(inner):
                given = found.get("to_emails")
                addresses += [str(one) for one in given] if isinstance(given, list) else [str(given)] if given else []
    return addresses


def _host(url: Any) -> str:
    try:
        return urlsplit(str(url)).hostname or "an unknown host"
    except ValueError:
        return "an unknown host"


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """A JSON value's objects, the outer ones first."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
