"""The preview of a change of consent shows the people, the channels and the list."""

from __future__ import annotations

import pytest
from tests.server.safety.previews.preview_lines import HEAD, preview_lines
from tests.server.sandbox_server import SandboxServer

pytestmark = pytest.mark.anyio

SUBSCRIBED = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
UNSUBSCRIBED = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}, "sms": {"marketing": {"consent": "UNSUBSCRIBED"}}}


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            {"list_id": "L1"},
            [
                'To the list "Newsletter" (id L1).',
                "Double opt-in: each gets a message first and is subscribed by the click in it.",
            ],
        ),
        (
            {"list_id": "L2"},
            ['To the list "VIP" (id L2).', "Single opt-in: they are subscribed at once."],
        ),
        ({}, ["To no list.", "Whether they are asked to confirm first is unknown."]),
    ],
)
async def test_a_subscription_shows_how_many_where_and_whether_they_are_mailed(
    server: SandboxServer, arguments: dict[str, str], lines: list[str]
) -> None:
    people = [{"email": f"a{n}@example.com", "subscriptions": SUBSCRIBED} for n in range(12)]
    assert await preview_lines(server, "bulk_subscribe_profiles", profiles=people, **arguments) == [
        f'{HEAD}subscribe 12 profiles: "a0@example.com", "a1@example.com", "a2@example.com" and 9 more.',
        "Channels: email marketing (12).",
        *lines,
    ]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ({}, ["No list is given: they are unsubscribed from all marketing in those channels."]),
        (
            {"list_id": "L2"},
            [
                'From the list "VIP" (id L2).',
                "Those who are not on it are unsubscribed from all marketing in those channels.",
            ],
        ),
    ],
)
async def test_an_unsubscription_says_when_it_is_from_everything(
    server: SandboxServer, arguments: dict[str, str], lines: list[str]
) -> None:
    people = [{"email": "a@example.com", "phone_number": "+14155550123", "subscriptions": UNSUBSCRIBED}]
    assert await preview_lines(server, "bulk_unsubscribe_profiles", profiles=people, **arguments) == [
        f'{HEAD}unsubscribe 1 profile: "a@example.com".',
        "Channels: email marketing (1), sms marketing (1).",
        *lines,
    ]


async def test_the_suppression_of_a_list_shows_how_many_it_holds(server: SandboxServer) -> None:
    assert await preview_lines(server, "bulk_suppress_profiles", list_id="L1") == [
        f'{HEAD}suppress all profiles of the list "Newsletter" (id L1): 2 profiles.',
        "They get no e-mail marketing from then on, whatever their consent.",
    ]


async def test_lifting_suppressions_shows_the_addresses(server: SandboxServer) -> None:
    assert await preview_lines(server, "bulk_unsuppress_profiles", profiles=["a@example.com", "b@example.com"]) == [
        f'{HEAD}lift the suppression of 2 addresses: "a@example.com", "b@example.com".',
        "They may get e-mail marketing again, unless they bounced or unsubscribed.",
    ]


async def test_consent_from_before_an_import_says_that_nobody_is_asked(server: SandboxServer) -> None:
    consent = {"consent": "SUBSCRIBED", "consented_at": "2025-01-01T00:00:00Z"}
    people = [{"email": "a@example.com", "subscriptions": {"email": {"marketing": consent}}}]
    lines = await preview_lines(
        server, "bulk_subscribe_profiles", profiles=people, list_id="L1", historical_import=True
    )
    assert lines[3] == "Nobody is asked to confirm: the call states that they consented earlier."
