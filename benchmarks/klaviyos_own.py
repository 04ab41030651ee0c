r"""Klaviyo's own local server, led to the stand-in upstream, to be measured beside this one.

It cannot be told where Klaviyo is, and downloads Klaviyo's API document at every start: here it asks UPSTREAM, and
reads the copy of that document (https://github.com/klaviyo/openapi, `openapi/stable.json`) which OPENAPI names.

    uv venv --python 3.13 .rival
    uv pip install --python .rival klaviyo-mcp-server
    uv run python -m benchmarks --name "Klaviyo's local server" \
        --docs docs --against ".rival/bin/python benchmarks/klaviyos_own.py" \
        --env PRIVATE_API_KEY=benchmark --env UPSTREAM={url}/klaviyo --env OPENAPI=stable.json \
        --map 'get_profiles=klaviyo_get_profiles:{"model": "other", "page_size": "{records}", "fields": ["email",
        "phone_number", "first_name", "last_name", "location.city", "location.country", "created", "last_event_date"]}'
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any


class _Document:
    """The API document, as the library that downloads it would answer."""

    def raise_for_status(self) -> None:
        """It is there."""

    def json(self) -> Any:
        return json.loads(Path(os.environ["OPENAPI"]).read_bytes())


def main() -> None:
    """Serve over stdio."""
    configuration: Any = import_module("openapi_client.configuration").Configuration
    configuration.get_host_settings = lambda _: [{"url": os.environ["UPSTREAM"], "description": "the stand-in"}]
    requests: Any = import_module("requests")
    requests.get = lambda *_, **__: _Document()
    import_module("klaviyo_mcp_server.main").main()


if __name__ == "__main__":
    main()
