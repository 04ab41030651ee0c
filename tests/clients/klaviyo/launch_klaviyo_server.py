"""Start Klaviyo's own MCP server with the sandbox in Klaviyo's place: python launch_klaviyo_server.py URL OPENAPI.json

The server has no setting for the address, and it downloads Klaviyo's OpenAPI document when it starts: the sandbox's
address and a file take their place. Nothing else is replaced.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


class Document:
    """The answer to the download of the document."""

    def raise_for_status(self) -> None:
        """The file is there."""

    def json(self) -> Any:
        return json.loads(Path(sys.argv[2]).read_text("utf-8"))


def main() -> None:
    sdk = importlib.import_module("klaviyo_api").KlaviyoAPI
    prepare = sdk.__post_init__

    def prepare_for_sandbox(client: Any) -> None:
        client.test_host = sys.argv[1]
        prepare(client)

    sdk.__post_init__ = prepare_for_sandbox
    vars(importlib.import_module("requests"))["get"] = lambda address: Document()
    importlib.import_module("klaviyo_mcp_server.main").main()


main()
