"""Completed jobs that imported and suppressed profiles."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder

_IMPORTS = (
    (300, "Wholesale Partners", 14, (("not-an-address", "Invalid email address"),)),
    (170, "Summer Competition", 60, (("+1555", "Invalid phone number"), ("a@@example.com", "Invalid email address"))),
    (21, "Newsletter", 25, ()),
)  # fmt: skip
"""How many days ago, the list that the profiles joined, how many they were, and the refused values with the reason."""


def add_jobs(builder: AccountBuilder) -> None:
    for days, list_name, count, refused in _IMPORTS:
        _add_import(builder, days, list_name, count, refused)
    status = {"status": "complete", "created_at": builder.timestamp(120), "completed_at": builder.timestamp(119.99)}
    counts = {"total_count": 6, "completed_count": 6, "skipped_count": 0}
    builder.add("profile-suppression-bulk-create-job", {**status, **counts}, {"lists": [], "segments": []})


def _add_import(
    builder: AccountBuilder, days: float, list_name: str, count: int, refused: tuple[tuple[str, str], ...]
) -> None:
    """Add a job that imported members of a list, with an error for each refused row."""
    members = list(builder.store.members("list", builder.lists[list_name]))[:count]
    errors = []
    for number, (value, title) in enumerate(refused):
        name = "email" if "mail" in title else "phone_number"
        pointer = f"/data/attributes/profiles/data/{number * 7 + 3}/attributes/{name}"
        error: dict[str, Any] = {"code": "invalid", "title": title, "detail": f"{title}: {value}"}
        error |= {"source": {"pointer": pointer}, "original_payload": {name: value, "first_name": "Sam"}}
        errors.append(builder.add("import-error", error).id)
    job = {
        "status": "complete",
        "created_at": builder.timestamp(days),
        "started_at": builder.timestamp(days - 0.001),
        "completed_at": builder.timestamp(days - 0.004),
        "expires_at": builder.timestamp(days - 7),
        "total_count": len(members) + len(errors),
        "completed_count": len(members),
        "failed_count": len(errors),
    }
    links = {"lists": [builder.lists[list_name]], "profiles": members, "import-errors": errors}
    builder.add("profile-bulk-import-job", job, links)
