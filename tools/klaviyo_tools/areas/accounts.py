"""Accounts: the account that a connection leads to."""

from __future__ import annotations

from klaviyo_tools.operation.area import XS, Area

area = Area("accounts")

area.resource_type(
    "account",
    "contact_information.organization_name contact_information.default_sender_email"
    " contact_information.website_url industry timezone preferred_currency locale public_api_key test_account",
    """contact_information(organization_name default_sender_name default_sender_email website_url
        street_address(address1 address2 city region country zip))
    industry locale preferred_currency public_api_key test_account timezone""",
    label="contact_information.organization_name",
)
area.collection(
    "get_accounts",
    "/api/accounts",
    "account",
    "The account: organization, sender, timezone, currency.",
    rate=XS,
    paged=False,
)
area.record(
    "get_account",
    "/api/accounts/{account_id}",
    "account",
    "The connected account by id; get_accounts needs no id.",
    rate=XS,
)
