"""Imports and erasure: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.privacy import area as privacy
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]


def test_every_imported_profile_needs_an_identifier(refusal_of: RefusalOf) -> None:
    assert refusal_of("bulk_import_profiles", profiles=[{"email": "a@example.com"}, {"first_name": "Bo"}]) == (
        "profiles.1: a profile needs email, phone_number, external_id, id or _kx"
    )
    assert refusal_of("bulk_import_profiles", profiles=[]).startswith("profiles: is empty: give at least 1")


def test_importing_to_lists(request_of: RequestOf) -> None:
    sent = request_of(
        "bulk_import_profiles",
        profiles=[
            {"email": "a@example.com", "location": {"city": "Oslo"}, "properties": {"size": "M"}},
            {"id": "P2", "_kx": "k", "patch_properties": {"append": {"skus": "1"}}},
        ],
        list_ids="L1, L2",
    )
    assert sent == Request(
        "POST",
        "/api/profile-bulk-import-jobs",
        {},
        {
            "data": {
                "type": "profile-bulk-import-job",
                "attributes": {
                    "profiles": {
                        "data": [
                            {
                                "type": "profile",
                                "attributes": {
                                    "email": "a@example.com",
                                    "location": {"city": "Oslo"},
                                    "properties": {"size": "M"},
                                },
                            },
                            {
                                "type": "profile",
                                "id": "P2",
                                "attributes": {"_kx": "k"},
                                "meta": {"patch_properties": {"append": {"skus": "1"}}},
                            },
                        ]
                    }
                },
                "relationships": {"lists": {"data": [{"type": "list", "id": "L1"}, {"type": "list", "id": "L2"}]}},
            }
        },
    )


def test_reading_imports(request_of: RequestOf) -> None:
    assert request_of("get_bulk_import_profiles_jobs") == Request("GET", "/api/profile-bulk-import-jobs")
    assert request_of("get_bulk_import_profiles_jobs", filter='any(status,["queued","processing"])') == Request(
        "GET", "/api/profile-bulk-import-jobs", {"filter": 'any(status,["queued","processing"])'}
    )
    assert request_of("get_errors_for_bulk_import_profiles_job", job_id="J1") == Request(
        "GET", "/api/profile-bulk-import-jobs/J1/import-errors"
    )


@pytest.mark.parametrize("profile", [{}, {"id": "P1", "email": "a@example.com"}])
def test_an_erasure_takes_one_identifier(refusal_of: RefusalOf, profile: dict[str, str]) -> None:
    assert refusal_of("request_profile_deletion", profile=profile) == (
        "profile: give exactly one of id, email or phone_number"
    )


def test_erasing_a_person(request_of: RequestOf) -> None:
    assert privacy.operations["request_profile_deletion"].effect is Effect.IRREVERSIBLE
    for profile, resource in (
        ({"id": "P1"}, {"type": "profile", "id": "P1", "attributes": {}}),
        ({"email": "a@example.com"}, {"type": "profile", "attributes": {"email": "a@example.com"}}),
    ):
        assert request_of("request_profile_deletion", profile=profile) == Request(
            "POST",
            "/api/data-privacy-deletion-jobs",
            {},
            {"data": {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": resource}}}},
        )
