"""What must not leave this process: secrets, in whichever form a text holds them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote


class Redactor:
    """Replaces secrets in a text, as they are and as JSON, Python, CSV and URLs escape them; the longest first."""

    def __init__(self, secrets: Iterable[str], replacement: str = "***") -> None:
        forms = {form for secret in secrets if secret for form in _escaped_forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None
        self._replacement = replacement

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(self._replacement, text) if self._pattern else text


def _escaped_forms(secret: str) -> set[str]:
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    in_python = repr(secret)[1:-1]
    in_csv = secret.replace('"', '""')
    return {secret, *in_json, in_python, in_csv, quote(secret), quote(secret, safe="")}
