"""Accounts: the one that a connection leads to."""

from __future__ import annotations

from klaviyo_tools.operation.area import XS, Area

area = Area(
    "accounts",
    search_words=(
        "company organization business brand store shop sender settings konto firma cuenta empresa compte entreprise"
    ),
)

area.collection(
    "get_accounts",
    "/api/accounts",
    "account",
    "The account: organization, sender, timezone, currency.",
    rate=XS,
    paged=False,
    search_words=(
        "who am i whoami which account logged time zone timezone currency industry address sender domain public "
        "api key zeitzone währung zona horaria moneda fuseau devise"
    ),
)
area.record(
    "get_account",
    "/api/accounts/{account_id}",
    "account",
    "The connected account by its id; get_accounts needs none.",
    rate=XS,
    search_words="by id",
)
