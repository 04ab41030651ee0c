"""Reads public JSON documents from the web: the metadata and the keys of an OAuth issuer."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

MAX_DOCUMENT_BYTES = 1_000_000
FETCH_SECONDS = 5.0


def fetch_document(url: str) -> dict[str, Any]:
    """The JSON object at a URL; no credential is sent. Blocks, so it belongs in a thread.

    Raises:
        OSError: It cannot be reached, or answers with another status than 200.
        ValueError: The URL is none of the web, or the document is no JSON object of at most `MAX_DOCUMENT_BYTES`.
    """
    if urlsplit(url).scheme not in ("https", "http"):
        raise ValueError("not a web address")
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=FETCH_SECONDS) as response:
            document = json.loads(response.read(MAX_DOCUMENT_BYTES))
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"status {error.code}") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document
