"""Starts Klaviyo's own local server with the stand-in as its upstream.

That server cannot be given another address of Klaviyo, and it downloads Klaviyo's API document at every start. This
script, run by a Python that has it installed, makes it ask UPSTREAM and read the copy of that document
(https://github.com/klaviyo/openapi, `openapi/stable.json`) whose path is in OPENAPI. It needs Python 3.13:

    uv venv --python 3.13 .klaviyo-server
    uv pip install --python .klaviyo-server klaviyo-mcp-server==0.4.2
    uv run python -m benchmarks --klaviyo-server .klaviyo-server/bin/python --openapi stable.json
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any


class _Download:
    """The API document, as the library that downloads it would answer."""

    def raise_for_status(self) -> None:
        """Succeed."""

    def json(self) -> Any:
        return json.loads(Path(os.environ["OPENAPI"]).read_bytes())


def main() -> None:
    """Serve over stdio."""
    configuration: Any = import_module("openapi_client.configuration").Configuration
    configuration.get_host_settings = lambda _: [{"url": os.environ["UPSTREAM"], "description": "the stand-in"}]
    requests: Any = import_module("requests")
    requests.get = lambda *_, **__: _Download()
    import_module("klaviyo_mcp_server.main").main()


if __name__ == "__main__":
    main()
