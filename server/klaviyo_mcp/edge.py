"""What must not leave this process: secrets, in whichever form a text holds them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

ENCODED_CHARACTERS = 8
"""A shorter secret is looked for as it stands and escaped, not encoded: its encodings could be part of any word."""

_CUT = re.compile("['\"]?…")


class Redactor:
    """Replaces secrets in a text, the longest first.

    They are found as they are, as JSON, Python, CSV and URLs escape them, reversed, in hexadecimal digits, and in
    base64 wherever they stand in the encoded text; the beginning of such a form too, where the text is cut (`mtn_5e…`).
    """

    def __init__(self, secrets: Iterable[str], replacement: str = "***") -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._heads = sorted({form[:ENCODED_CHARACTERS] for form in forms})
        self._shortest = min(map(len, self._heads), default=0)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None
        self._replacement = replacement

    def __call__(self, text: str) -> str:
        """The text without the secrets."""
        # Looking for each beginning is much faster than the pattern, and hardly any text holds one.
        if self._pattern is None or len(text) < self._shortest:
            return text
        for head in self._heads:
            if head in text:
                return self._without_cut_forms(self._pattern.sub(self._replacement, text))
        return text

    def _without_cut_forms(self, text: str) -> str:
        for form in self._forms if "…" in text else ():
            head, at = form[:ENCODED_CHARACTERS], -1
            while len(head) == ENCODED_CHARACTERS and (at := text.find(head, at + 1)) >= 0:
                same = next((n for n in range(len(head), len(form)) if text[at + n : at + n + 1] != form[n]), len(form))
                end = at + same
                if _CUT.match(text, end):
                    text = f"{text[:at]}{self._replacement}{text[end:]}"
        return text

    def value(self, value: Any) -> Any:
        """A JSON value without the secrets, in its names too; the same object where it holds none."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            members = {self.value(name): self.value(member) for name, member in value.items()}
            return members if members != value else value
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def _forms(secret: str) -> set[str]:
    plain = {secret}
    if len(secret) >= ENCODED_CHARACTERS:
        octets = secret.encode("utf-8", "surrogatepass")
        percent = "".join(f"%{octet:02X}" for octet in octets)
        plain |= {secret[::-1], octets.hex(), octets.hex().upper(), octets.hex(" "), percent, percent.lower()}
        plain |= _base64_forms(octets)
    return plain | {escaped for form in (secret, secret[::-1]) for escaped in _escaped_forms(form)}


def _escaped_forms(secret: str) -> set[str]:
    in_json = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    in_python = repr(secret)[1:-1]
    in_csv = secret.replace('"', '""')
    in_urls = {quote(secret, errors="replace"), quote(secret, safe="", errors="replace")}
    lower = {re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), url) for url in in_urls}
    nested = {json.dumps(text)[1:-1] for text in in_json}  # JSON in a string of JSON
    slashes = {text.replace("/", "\\/") for text in in_json}
    return {secret, *in_json, in_python, in_csv, *in_urls, *lower, *nested, *slashes}


def _base64_forms(octets: bytes) -> set[str]:
    """The base64 of the octets at each of three offsets, without the characters that depend on neighbouring octets."""
    forms = set()
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + octets).decode()
        own = text[-(-offset * 8 // 6) : (offset + len(octets)) * 8 // 6]
        forms |= {own, own.translate(_URL_SAFE), own.replace("/", "\\/"), quote(own, safe="")}
    return forms


_URL_SAFE = str.maketrans("+/", "-_")
