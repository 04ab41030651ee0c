"""What a model reads when something went wrong: what happened, to which argument, what to do next, in 600 bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp import errors
from klaviyo_mcp.errors import (
    ArgumentError,
    ConflictError,
    ConnectionMissingError,
    DeadlineError,
    InDoubtError,
    KeyMissingError,
    KeyRefusedError,
    KlaviyoMcpError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ScopeError,
    SettingError,
    UnreachableError,
    UpstreamError,
    cut,
    quote,
    span,
)
from klaviyo_mcp.gateway.options import RequestOptions, SentRequest
from klaviyo_mcp.gateway.responses import argument_of, failure_outcome, retry_after
from klaviyo_tools.operation.request import Service

KEY = "mtn_5ecret_0f_the_operator"
NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)


def refusal(
    status: int, document: object, *, chosen: bool = False, service: Service = Service.KLAVIYO
) -> KlaviyoMcpError:
    call = RequestOptions(
        "create_profile",
        safe=False,
        scopes=("profiles:write",),
        verify_with="get_profiles",
        argument_names={"id": "profile_id"},
    )
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return failure_outcome(SentRequest(call, service, chosen, (KEY,)), status, {}, body).error


def klaviyo(detail: str, source: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "errors": [
            {
                "id": "a-b",
                "status": 400,
                "code": "invalid",
                "title": "No.",
                "detail": detail,
                "source": source or {},
                **more,
            }
        ]
    }


@pytest.mark.parametrize(
    ("status", "document", "kind", "text"),
    [
        (
            400,
            klaviyo("Invalid email address", {"pointer": "/data/attributes/email"}),
            RefusedError,
            "Klaviyo refused create_profile (400); nothing was changed: email: Invalid email address. "
            "Correct the argument and call again.",
        ),
        (
            400,
            klaviyo("'emial' is not a valid field for the resource 'profile'.", {"parameter": "filter"}),
            RefusedError,
            "Klaviyo refused create_profile (400); nothing was changed: filter: 'emial' is not a valid field for the "
            "resource 'profile'. Correct the argument and call again.",
        ),
        (
            400,
            {"errors": [{"detail": f"Problem {n}", "source": {"pointer": f"/data/attributes/a{n}"}} for n in range(5)]},
            RefusedError,
            "Klaviyo refused create_profile (400); nothing was changed: a0: Problem 0; a1: Problem 1; a2: Problem 2 "
            "(and 2 more). Correct the arguments and call again.",
        ),
        (
            400,
            {"message": "No connection found for app klaviyo"},
            ConnectionMissingError,
            "The Maton account has no active Klaviyo connection: No connection found for app klaviyo. Call "
            "create_connection and have a person open the URL it returns (or run `klaviyo-mcp connect`), then call "
            "again.",
        ),
        (
            400,
            {"error": {"message": "Multiple connections: specify one"}},
            ConnectionMissingError,
            "The Maton account has several Klaviyo connections and none is chosen: Multiple connections: specify one. "
            "list_connections shows them; set MATON_CONNECTION to the id of the one meant and restart this server.",
        ),
        (
            400,
            b"<html><h1>400 Bad Request</h1></html>",
            RefusedError,
            "The gateway refused create_profile (400); nothing was changed. If the call looks right, see whether the "
            "connection is there: list_connections.",
        ),
        (
            401,
            {"error": "Invalid API key"},
            KeyRefusedError,
            "Maton refused the API key (401); nothing was changed: Invalid API key. Copy the key again from "
            "https://maton.ai/settings, set MATON_API_KEY to it without quotes or spaces, and restart this server.",
        ),
        (
            401,
            klaviyo("Missing or invalid access token."),
            ConnectionMissingError,
            "Klaviyo no longer accepts the connection: its authorization has expired or was withdrawn: Missing or "
            "invalid access token. Call create_connection and have a person open the URL it returns (or run "
            "`klaviyo-mcp connect`), then call again; delete_connection removes the old one.",
        ),
        (
            403,
            klaviyo("You do not have permission to perform this action."),
            ScopeError,
            "The connection is not allowed to run create_profile (403); nothing was changed. It needs the scope "
            "profiles:write: You do not have permission to perform this action. Make a new connection with "
            "create_connection and grant what it asks for, as a user who may do this.",
        ),
        (
            404,
            klaviyo("A profile with id 01X does not exist.", {"pointer": "/data/id"}),
            NotFoundError,
            "create_profile found nothing by that id (404): profile_id: A profile with id 01X does not exist. "
            "Take the id from a list or search in this account: ids of another account or type are unknown here.",
        ),
        (
            404,
            b"<html>nginx</html>",
            UpstreamError,
            "create_profile failed: the gateway knows no such path (404). Check MATON_BASE_URL.",
        ),
        (
            409,
            klaviyo(
                "A profile already exists with one of these identifiers.",
                meta={"duplicate_profile_id": "01GDDKASAP8TKDDA"},
            ),
            ConflictError,
            "create_profile conflicts with what exists (409); nothing was changed: A profile already exists with one "
            "of these identifiers. The one there is has id 01GDDKASAP8TKDDA: update that one instead.",
        ),
        (
            415,
            klaviyo("Unsupported media type"),
            RefusedError,
            "Klaviyo refused create_profile (415); nothing was changed: Unsupported media type. Correct the arguments "
            "and call again.",
        ),
        (
            429,
            klaviyo("Request was throttled. Expected available in 37 seconds."),
            RateLimitError,
            None,
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_a_refusal_says_what_why_and_what_next(
    status: int, document: object, kind: type[KlaviyoMcpError], text: str | None
) -> None:
    error = refusal(status, document)
    assert type(error) is kind
    if text is not None:
        assert str(error) == text
    if isinstance(error, RateLimitError):
        assert error.retry_in == 37


def test_errors_carry_what_a_program_needs() -> None:
    blamed = refusal(400, klaviyo("no", {"pointer": "/data/attributes/email"}))
    assert isinstance(blamed, RefusedError)
    assert (blamed.status, blamed.arguments) == (400, ("email",))
    duplicate = refusal(409, klaviyo("no", meta={"duplicate_profile_id": "01GD"}))
    assert isinstance(duplicate, ConflictError)
    assert duplicate.duplicate_id == "01GD"


def test_a_connection_that_is_set_but_unknown_is_blamed_on_the_setting() -> None:
    error = refusal(400, {"message": "Connection not found"}, chosen=True)
    assert str(error) == (
        "Maton has no active Klaviyo connection with the id set in MATON_CONNECTION: Connection not found. "
        "list_connections shows those there are: correct MATON_CONNECTION, or make one with create_connection."
    )


def test_matons_own_refusals_name_maton() -> None:
    error = refusal(400, {"message": "Unknown connection app"}, service=Service.MATON)
    assert str(error).startswith("Maton refused create_profile (400); nothing was changed: Unknown connection app.")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"pointer": "/data/attributes/email"}, "email"),
        ({"pointer": "/data/attributes/location/address1"}, "location.address1"),
        ({"pointer": "/data/attributes/send-strategy/datetime"}, "send_strategy.datetime"),
        ({"pointer": "/data/attributes/profiles/data/3/attributes/email"}, "profiles[3].email"),
        ({"pointer": "/data/relationships/list/data/id"}, "list_id"),
        ({"pointer": "/data/relationships/list/data"}, "list_id"),
        ({"pointer": "/data/relationships/tag-group/data/id"}, "tag_group_id"),
        ({"pointer": "/data/relationships/profiles/data/2/id"}, "profile_ids[2]"),
        ({"pointer": "/data/relationships/categories/data/0/id"}, "category_ids[0]"),
        ({"pointer": "/data/4/id"}, "member_ids[4]"),
        ({"pointer": "/data/id"}, "profile_id"),
        ({"pointer": "/data"}, ""),
        ({"pointer": ""}, ""),
        ({"pointer": None}, ""),
        ({"parameter": "filter"}, "filter"),
        ({"parameter": "fields[profile]"}, "fields"),
        ({"parameter": "additional-fields[profile]"}, "additional_fields"),
        ({"parameter": "page[size]"}, "max_results"),
        ({"parameter": "page[cursor]"}, "cursor"),
        ({}, ""),
    ],
)
def test_klaviyos_source_becomes_our_argument(source: dict[str, Any], name: str) -> None:
    assert argument_of(source, {"id": "profile_id", "ids": "member_ids"}) == name


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Fri, 20 Nov 2026 10:00:37 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 37.0),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:00 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 20 Nov 2015 09:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 99 Nov 2026 99:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            KeyMissingError(),
            "No Maton API key is set, so nothing was sent. Sign in at https://maton.ai, copy the API key from "
            "https://maton.ai/settings, set MATON_API_KEY to it in this server's environment and restart it. Without a "
            "key, `klaviyo-mcp --sandbox` runs on an invented account.",
        ),
        (
            ConnectionMissingError("several", connections=["c-1", "c-2"]),
            "The Maton account has several Klaviyo connections and none is chosen: c-1, c-2. list_connections shows "
            "them; set MATON_CONNECTION to the id of the one meant and restart this server.",
        ),
        (
            RateLimitError("get_lists", 90, now=NOW),
            "get_lists was held back by Klaviyo's rate limit; nothing was changed. Call again in 90 s (after 22:01:30 "
            "UTC).",
        ),
        (
            DeadlineError("create_list", 60, sent=False),
            "create_list could not be sent within 60 s; nothing was changed. The gateway is slow or busy: try again "
            "later.",
        ),
        (
            InDoubtError("create_list", "no answer came within 60 s"),
            "create_list may or may not have been applied: no answer came within 60 s. It was not sent again. Look in "
            "Klaviyo whether it was applied before you repeat it.",
        ),
        (ArgumentError("max_results must be at least 1.", argument="max_results"), "max_results must be at least 1."),
        (SettingError("KLAVIYO_REVISION", "is not a date"), "KLAVIYO_REVISION is not a date."),
        (
            UnreachableError("get_lists", "api.maton.ai", "its name could not be resolved"),
            "get_lists was not sent: no connection to api.maton.ai (its name could not be resolved). Check the network "
            "and MATON_BASE_URL (`klaviyo-mcp doctor` tells more), then call again.",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_reads_as_written(error: KlaviyoMcpError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.1 s"),
        (0.26, "0.3 s"),
        (1, "1 s"),
        (36.2, "37 s"),
        (119.5, "2 min"),
        (7_199, "2 h 0 min"),
        (18_700, "5 h 12 min"),
    ],
)
def test_a_wait_is_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert span(seconds) == words


HOSTILE = st.text(max_size=3_000) | st.sampled_from(
    [
        "é" * 900,
        "\U0001f600" * 400,
        f"Authorization: Bearer {KEY}",
        f'{{"Authorization": "Bearer {KEY}"}}',
        f"<b>{KEY}</b><script>alert(1)</script>",
        "Traceback (most recent call last):\n  File 'x'",
        f"{'<i>' * 6_660}{KEY}",
        f"{KEY[:9]}\u200b{KEY[9:]}",
        "\x1b[31mred\x1b[0m \x9b1m \u202eevil\u202c \U000e0041",
        "\ud800 half",
    ]
)


@given(
    detail=HOSTILE, pointer=HOSTILE, name=HOSTILE, status=st.sampled_from([400, 401, 403, 404, 409, 422, 429, 500, 503])
)
def test_no_refusal_is_longer_than_600_bytes_or_shows_what_it_must_not(
    detail: str, pointer: str, name: str, status: int
) -> None:
    for document in (klaviyo(detail, {"pointer": pointer}, meta={"duplicate_profile_id": name}), {"message": detail}):
        text = str(refusal(status, document))
        assert len(text.encode()) <= errors.LIMIT
        for leak in (KEY, "uthorization: B", "Traceback", "<script", "\x1b", "\n", "\u202e", "\u200b", "\U000e0041"):
            assert leak not in text


@given(st.text(max_size=400), st.integers(3, 700))
def test_cutting_never_breaks_a_character_and_keeps_what_fits(text: str, most: int) -> None:
    text = text.encode("utf-8", "replace").decode()
    short = cut(text, most)
    assert len(short.encode()) <= most
    assert short == text if len(text.encode()) <= most else text.startswith(short.removesuffix("…"))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain words, 3 < 4 and 5 > 4", "plain words, 3 < 4 and 5 > 4"),
        ("a\r\n\tb  c", "a b c"),
        ("<p>Bad <b>gateway</b></p>", "Bad gateway"),
        ("<style>p {}</style>x<!-- y -->z", "x z"),
        ("cut off in a <a href='x", "cut off in a"),
        ("Set-Cookie: session=1; x", "[hidden] x"),
        ("Maton-Connection: c-1", "[hidden]"),
        ('{"authorization":"Bearer abc"}', '{"[hidden]'),
        (f"key {KEY} unknown", "key [hidden] unknown"),
        ("see <class 'KeyError'>", "see"),
    ],
)
def test_quoted_text_is_one_line_without_markup_headers_or_secrets(given: str, shown: str) -> None:
    assert quote(given, (KEY,)) == shown


def test_every_error_is_one_of_ours_and_has_its_place_in_the_tree() -> None:
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]
    assert all(issubclass(c, KlaviyoMcpError) for c in classes)
    assert all(c.__name__ in (errors.__doc__ or "") for c in classes)
