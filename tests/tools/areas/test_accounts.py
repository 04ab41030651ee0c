"""Accounts: what is sent."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.operation.request import Request


def test_the_account_of_the_connection_is_read(request_of: Callable[..., Request]) -> None:
    assert request_of("get_accounts") == Request("GET", "/api/accounts")
    assert request_of("get_account", account_id="AbC123") == Request("GET", "/api/accounts/AbC123")
