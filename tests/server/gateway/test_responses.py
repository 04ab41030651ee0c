"""From an answer, or the lack of one, to the reply or the error that a caller reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp import errors
from klaviyo_mcp.errors import (
    ConflictError,
    ConnectionMissingError,
    KeyRefusedError,
    KlaviyoMcpError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ScopeError,
    UpstreamError,
)
from klaviyo_mcp.gateway.options import Reply, RequestContext, RequestOptions
from klaviyo_mcp.gateway.responses import (
    HttpAnswer,
    Outcome,
    broken_outcome,
    interpret,
    refusal_outcome,
    retry_after,
    timeout_outcome,
    unreachable_outcome,
)
from klaviyo_mcp.gateway.retry import Failure, RequestKind, error_class
from klaviyo_tools.operation.facts import Rate
from klaviyo_tools.operation.request import Service

KEY = "mtn_5ecret_0f_the_operator"


def refusal(
    status: int,
    document: object,
    *,
    names_connection: bool = False,
    connection_is_set: bool = True,
    service: Service = Service.KLAVIYO,
) -> KlaviyoMcpError:
    options = RequestOptions(
        "create_profile",
        RequestKind.WRITE,
        scopes=("profiles:write",),
        verify_with="get_profiles",
        argument_names={"id": "profile_id"},
    )
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    context = RequestContext(
        options, service, names_connection, secrets=(KEY,), revision="2026-01-15", connection_is_set=connection_is_set
    )
    return refusal_outcome(context, status, {}, body).error


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
            'Klaviyo refused create_profile (400); nothing was changed. The answer said: "email: Invalid email '
            'address". Correct the argument and call again.',
        ),
        (
            400,
            klaviyo("'emial' is not a valid field for the resource 'profile'.", {"parameter": "filter"}),
            RefusedError,
            "Klaviyo refused create_profile (400); nothing was changed. The answer said: \"filter: 'emial' is not "
            "a valid field for the resource 'profile'.\" Correct the argument and call again.",
        ),
        (
            400,
            {"errors": [{"detail": f"Problem {n}", "source": {"pointer": f"/data/attributes/a{n}"}} for n in range(5)]},
            RefusedError,
            'Klaviyo refused create_profile (400); nothing was changed. The answer said: "a0: Problem 0; a1: '
            'Problem 1; a2: Problem 2 (and 2 more)". Correct the arguments and call again.',
        ),
        (
            400,
            {"message": "No connection found for app klaviyo"},
            ConnectionMissingError,
            'The Maton account has no active Klaviyo connection. The answer said: "No connection found for app '
            'klaviyo". Call create_connection and have a person open the URL it returns (or run `klaviyo-mcp '
            "connect`), then call again.",
        ),
        (
            400,
            {"error": {"message": "Multiple connections: specify one"}},
            ConnectionMissingError,
            'The Maton account has several Klaviyo connections and none is chosen. The answer said: "Multiple '
            'connections: specify one". list_connections shows them; set MATON_CONNECTION to the id of the one '
            "meant and restart this server.",
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
            'Maton refused the API key (401); nothing was changed. The answer said: "Invalid API key". Copy the '
            "key again from https://maton.ai/settings, set MATON_API_KEY to it without quotes or spaces, and "
            "restart this server.",
        ),
        (
            401,
            klaviyo("Missing or invalid access token."),
            ConnectionMissingError,
            "Klaviyo no longer accepts the connection: its authorization has expired or was withdrawn. The answer"
            ' said: "Missing or invalid access token." Call create_connection and have a person open the URL it '
            "returns (or run `klaviyo-mcp connect`), then call again; delete_connection removes the old one.",
        ),
        (
            403,
            klaviyo("You do not have permission to perform this action."),
            ScopeError,
            "The connection is not allowed to run create_profile (403); nothing was changed. It needs the scope "
            'profiles:write. The answer said: "You do not have permission to perform this action." Make a new '
            "connection with create_connection and grant what it asks for, as a user who may do this.",
        ),
        (
            403,
            b"<html><h1>403 Forbidden</h1></html>",
            RefusedError,
            "The gateway, or a firewall before it, refused create_profile (403); nothing was changed. Try again; if it "
            "persists, ask whoever runs the network or the gateway.",
        ),
        (
            403,
            {"message": "Request blocked"},
            RefusedError,
            "The gateway, or a firewall before it, refused create_profile (403); nothing was changed. The answer "
            'said: "Request blocked". Try again; if it persists, ask whoever runs the network or the gateway.',
        ),
        (
            414,
            b"<html><h1>414 Request-URI Too Large</h1></html>",
            RefusedError,
            "The gateway, or a proxy before it, refused create_profile (414); nothing was changed. The request is too "
            "long for it: name fewer values at once, in several calls.",
        ),
        (
            410,
            klaviyo("The revision 2026-01-15 is retired."),
            RefusedError,
            'Klaviyo refused create_profile (410); nothing was changed. The answer said: "The revision 2026-01-15'
            ' is retired." Klaviyo has retired revision 2026-01-15 or does not know it. Set KLAVIYO_REVISION to a'
            " revision that Klaviyo supports, or update this server, and restart it.",
        ),
        (
            400,
            klaviyo("Invalid revision date."),
            RefusedError,
            'Klaviyo refused create_profile (400); nothing was changed. The answer said: "Invalid revision date."'
            " Klaviyo has retired revision 2026-01-15 or does not know it. Set KLAVIYO_REVISION to a revision "
            "that Klaviyo supports, or update this server, and restart it.",
        ),
        (
            404,
            klaviyo("A profile with id 01X does not exist.", {"pointer": "/data/id"}),
            NotFoundError,
            'create_profile found nothing by that id (404). The answer said: "profile_id: A profile with id 01X '
            'does not exist." Take the id from a list or search in this account: ids of another account or type '
            "are unknown here.",
        ),
        (
            404,
            b"<html>nginx</html>",
            UpstreamError,
            "create_profile failed: the gateway knows no such path (404). Check MATON_BASE_URL: it is the address of "
            "Maton's gateway, without /klaviyo.",
        ),
        (
            409,
            klaviyo(
                "A profile already exists with one of these identifiers.",
                meta={"duplicate_profile_id": "01GDDKASAP8TKDDA"},
            ),
            ConflictError,
            'create_profile conflicts with what exists (409); nothing was changed. The answer said: "A profile '
            'already exists with one of these identifiers." The one there is has id 01GDDKASAP8TKDDA: update that'
            " one instead.",
        ),
        (
            415,
            klaviyo("Unsupported media type"),
            RefusedError,
            'Klaviyo refused create_profile (415); nothing was changed. The answer said: "Unsupported media '
            'type". Correct the arguments and call again.',
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
def test_a_refusal_says_what_happened_why_and_what_to_do(
    status: int, document: object, kind: type[KlaviyoMcpError], text: str | None
) -> None:
    error = refusal(status, document)
    assert type(error) is kind
    if text is not None:
        assert str(error) == text
    if isinstance(error, RateLimitError):
        assert error.retry_in == 37


def test_errors_carry_status_arguments_and_ids_for_programs() -> None:
    blamed = refusal(400, klaviyo("no", {"pointer": "/data/attributes/email"}))
    assert isinstance(blamed, RefusedError)
    assert (blamed.status, blamed.arguments) == (400, ("email",))
    duplicate = refusal(409, klaviyo("no", meta={"duplicate_profile_id": "01GD"}))
    assert isinstance(duplicate, ConflictError)
    assert duplicate.duplicate_id == "01GD"


def test_a_connection_that_is_set_but_unknown_is_blamed_on_the_setting() -> None:
    error = refusal(400, {"message": "Connection not found"}, names_connection=True)
    assert str(error) == (
        "Maton has no active Klaviyo connection with the id set in MATON_CONNECTION. The answer said: "
        '"Connection not found". list_connections shows those there are: correct MATON_CONNECTION, or make '
        "one with create_connection."
    )


def test_a_connection_that_the_server_found_by_itself_is_not_blamed_on_the_setting() -> None:
    error = refusal(400, {"message": "Connection not found"}, names_connection=True, connection_is_set=False)
    assert "MATON_CONNECTION" not in str(error)
    assert str(error).startswith("Maton has no active Klaviyo connection any more with the id that this call went to.")


def test_a_server_error_that_asks_for_years_is_tried_again_in_a_minute() -> None:
    outcome = refusal_outcome(
        RequestContext(RequestOptions("get_lists", RequestKind.READ)), 503, {"retry-after": "999999999"}, b""
    )
    assert outcome.retry_after == 60
    assert "Try again in 60 s." in str(outcome.error)


@pytest.mark.parametrize("kind", [RequestKind.READ, RequestKind.WRITE])
def test_a_request_with_the_rest_of_a_calls_time_is_not_said_to_have_had_a_tenth_of_a_second(kind: RequestKind) -> None:
    context = RequestContext(RequestOptions("get_lists", kind))
    for sent in (True, False):
        outcome = timeout_outcome(context, None, sent=sent, attempts=1)
        assert "in the time that was left of the call" in str(outcome.error)
        assert "0.1 s" not in str(outcome.error)


def test_a_refusal_by_maton_names_maton() -> None:
    error = refusal(400, {"message": "Unknown connection app"}, service=Service.MATON)
    assert str(error).startswith(
        'Maton refused create_profile (400); nothing was changed. The answer said: "Unknown connection app".'
    )


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
def test_no_refusal_exceeds_600_bytes_or_shows_keys_or_markup(
    detail: str, pointer: str, name: str, status: int
) -> None:
    for document in (klaviyo(detail, {"pointer": pointer}, meta={"duplicate_profile_id": name}), {"message": detail}):
        text = str(refusal(status, document))
        assert len(text.encode()) <= errors.MAX_BYTES
        for leak in (KEY, "uthorization: B", "Traceback", "<script", "\x1b", "\n", "\u202e", "\u200b", "\U000e0041"):
            assert leak not in text


JSON_HEADERS = {"content-type": "application/json"}
ATTEMPTS: dict[Failure, Callable[[RequestContext], Reply | Outcome]] = {
    Failure.UNREACHABLE: lambda c: unreachable_outcome(c, "host", "refused", attempts=1, certificate=False),
    Failure.BAD_CERTIFICATE: lambda c: unreachable_outcome(c, "host", "certificate", attempts=1, certificate=True),
    Failure.TIMEOUT_UNSENT: lambda c: timeout_outcome(c, 60, sent=False, attempts=1),
    Failure.BROKEN_UNSENT: lambda c: broken_outcome(c, sent=False),
    Failure.TIMEOUT: lambda c: timeout_outcome(c, 60, sent=True, attempts=1),
    Failure.BROKEN: lambda c: broken_outcome(c, sent=True),
    Failure.RATE_LIMITED: lambda c: interpret(HttpAnswer(429, {}, b""), c, 1, 0),
    Failure.SERVER_ERROR: lambda c: interpret(HttpAnswer(503, {}, b""), c, 1, 0),
    Failure.REDIRECT: lambda c: interpret(HttpAnswer(302, {}, b""), c, 1, 0),
    Failure.REFUSED: lambda c: interpret(HttpAnswer(404, {}, b"{}"), c, 1, 0),
    Failure.TRUNCATED_SUCCESS: lambda c: interpret(HttpAnswer(200, JSON_HEADERS, b"{", "cut", True), c, 1, 0),
    Failure.UNREADABLE_SUCCESS: lambda c: interpret(HttpAnswer(200, JSON_HEADERS, b"["), c, 1, 0),
}


def test_every_failure_comes_from_an_attempt() -> None:
    assert set(ATTEMPTS) == set(Failure)


@pytest.mark.parametrize("kind", list(RequestKind), ids=lambda kind: kind.name)
@pytest.mark.parametrize("failure", list(Failure), ids=lambda failure: failure.name)
def test_the_error_of_a_failure_is_of_the_class_that_the_table_of_retries_names(
    failure: Failure, kind: RequestKind
) -> None:
    outcome = ATTEMPTS[failure](RequestContext(RequestOptions("create_list", kind)))
    assert isinstance(outcome, Outcome)
    assert outcome.failure is failure
    expected = error_class(failure, kind)
    assert isinstance(outcome.error, expected)
    assert type(outcome.error) is expected or expected is KlaviyoMcpError


def test_an_expired_authorization_is_a_refusal_although_its_status_is_500() -> None:
    context = RequestContext(RequestOptions("create_list", RequestKind.WRITE))
    outcome = refusal_outcome(context, 500, {}, b'{"message": "refresh token expired"}')
    assert outcome.failure is Failure.REFUSED
    assert isinstance(outcome.error, ConnectionMissingError)


def test_the_wait_that_a_server_error_asks_for_is_kept() -> None:
    context = RequestContext(RequestOptions("get_lists", RequestKind.READ))
    assert refusal_outcome(context, 503, {"retry-after": "7"}, b"").retry_after == 7
    assert refusal_outcome(context, 429, {"retry-after": "9"}, b"").retry_after == 9


@pytest.mark.parametrize(
    ("headers", "document", "by", "wait"),
    [
        ({"retry-after": "999999999"}, klaviyo("Request was throttled."), "Klaviyo", 60),
        ({}, klaviyo("Request was throttled. Expected available in 999999 seconds."), "Klaviyo", 60),
        ({"retry-after": "5", "ratelimit-remaining": "0"}, {}, "Klaviyo", 5),
        ({"retry-after": "1"}, {"message": "Rate limit exceeded"}, "Maton", 1),
        ({"retry-after": "3600"}, {"message": "Rate limit exceeded"}, "Maton", 60),
    ],
)
def test_a_429_names_whose_limit_it_is_and_no_wait_beyond_its_longest_window(
    headers: dict[str, str], document: object, by: str, wait: float
) -> None:
    context = RequestContext(RequestOptions("get_lists", RequestKind.READ, rate=Rate(10, 150)))
    outcome = refusal_outcome(context, 429, headers, json.dumps(document).encode())
    assert outcome.retry_after == wait
    assert str(outcome.error).startswith(
        f"get_lists was held back by {by}'s rate limit; nothing was changed. Call again"
    )


def test_a_429_of_a_daily_limit_may_ask_for_a_day() -> None:
    context = RequestContext(RequestOptions("get_lists", RequestKind.READ, rate=Rate(1, 2, 225)))
    body = json.dumps(klaviyo("Request was throttled.")).encode()
    assert refusal_outcome(context, 429, {"retry-after": "999999999"}, body).retry_after == 86_400


def test_a_gateway_without_connections_blames_the_base_address() -> None:
    context = RequestContext(RequestOptions("list_connections", RequestKind.READ), Service.MATON)
    assert str(refusal_outcome(context, 404, {}, b'{"message": "Not found"}').error) == (
        "list_connections failed: the gateway knows no such path (404). Check MATON_BASE_URL: it is the address of "
        "Maton's gateway, without /klaviyo."
    )
