"""No address of a private network is sent to Klaviyo, in any notation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.arguments.web_address import picture_url, public_https

RefusalOf = Callable[..., str]

PRIVATE = [
    "https://localhost/x",
    "https://LOCALHOST:8443/x",
    "https://localhost./x",
    "https://admin.localhost/x",
    "https://printer.local/x",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://intranet/x",
    "https://db.corp/x",
    "https://nas.lan/x",
    "https://router.home.arpa/x",
    "https://127.0.0.1/x",
    "https://127.0.0.1./x",
    "https://127.1/x",
    "https://2130706433/x",
    "https://0x7f000001/x",
    "https://0x7f.0.0.1/x",
    "https://0177.0.0.1/x",
    "https://017700000001/x",
    "https://0/x",
    "https://0.0.0.0/x",
    "https://10.0.0.8/x",
    "https://100.64.0.1/x",
    "https://172.16.3.4/x",
    "https://192.168.1.1/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://198.18.0.1/x",
    "https://192.0.2.7/x",
    "https://192.0.0.8/x",
    "https://192.0.0.9/x",
    "https://192.88.99.1/x",
    "https://[3fff::1]/x",
    "https://[3fff:fff:ffff::1]/x",
    "https://224.0.0.1/x",
    "https://240.0.0.1/x",
    "https://255.255.255.255/x",
    "https://[::1]/x",
    "https://[::]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:8.8.8.8]/x",
    "https://[::7f00:1]/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://[2002:7f00:1::]/x",
    "https://[2001:0:7f00:1::]/x",
    "https://[2001:db8::1]/x",
    "https://[fe80::1]/x",
    "https://[fe80::1%25eth0]/x",
    "https://[fd00::1]/x",
    "https://[ff02::1]/x",
    "https://１２７.０.０.１/x",  # noqa: RUF001
    "https://127。0。0。1/x",
    "https://ｌｏｃａｌｈｏｓｔ/x",  # noqa: RUF001
    "https://①②⑦.0.0.1/x",
]
BROKEN = [
    ("http://shop.example.com/x", "must start with https://"),
    ("ftp://shop.example.com/x", "must start with https://"),
    ("file:///etc/passwd", "must start with https://"),
    ("//shop.example.com/x", "must start with https://"),
    ("shop.example.com", "must start with https://"),
    ("https:/shop.example.com", "must start with https://"),
    ("https://", "is not a host name"),
    ("https:///x", "is not a host name"),
    ("https://user:secret@shop.example.com/x", "leave them out"),
    ("https://shop.example.com@127.0.0.1/x", "leave them out"),
    ("https://@shop.example.com/x", "leave them out"),
    ("https://shop.example.com:0/x", "no usable port"),
    ("https://shop.example.com:/x", "no usable port"),
    ("https://shop.example.com:99999/x", "is not an address"),
    ("https://shop.example.com:eight/x", "is not an address"),
    ("https://[::1/x", "is not an address"),
    ("https://shop..example.com/x", "is not a host name"),
    ("https://-shop.example.com/x", "is not a host name"),
    ("https://sh%6fp.example.com/x", "is not a host name"),
    ("https://shop.example.com\\@127.0.0.1/x", "a backslash"),
    ("https://shop.example.com/a b", "a space"),
    ("https://shop.example.com/\nx", "a control character"),
    ("https://shop.ex\tample.com/x", "a control character"),
]
PUBLIC = [
    "https://shop.example.com/hooks/klaviyo?token=a#b",
    "HTTPS://Shop.Example.com",
    "https://shop.example.com.:8443/x",
    "https://8.8.8.8/x",
    "https://[2606:4700:4700::1111]/x",
    "https://bücher.example.com/umschläge/1.png",
    "https://xn--bcher-kva.example.com/x",
    "https://_hooks.example.com/x",
    "https://local.example.com/x",
    "https://10.example.com/x",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_a_private_network_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"reaches only what|is not a plain IP|not an address"):
        public_https(address)


@pytest.mark.parametrize(("address", "why"), BROKEN)
def test_an_address_that_is_no_plain_https_is_refused_with_the_reason(address: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        public_https(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_accepted_unchanged(address: str) -> None:
    assert public_https(f" {address} ") == address


def test_a_refusal_shows_no_password(refusal_of: RefusalOf) -> None:
    refusal = refusal_of("upload_image_from_url", import_from_url="https://ann:hunter2@shop.example.com/a.png")
    assert refusal == "import_from_url: holds a user name or password before an @: leave them out"


def test_a_picture_can_be_a_data_uri_and_other_addresses_cannot() -> None:
    assert picture_url("data:image/png;base64,iVBORw0KGgo=") == "data:image/png;base64,iVBORw0KGgo="
    for other in ("data:text/html;base64,aGk=", "data:image/svg+xml;base64,aGk=", "data:image/png,x", "data:"):
        with pytest.raises(ValueError, match="must hold a jpeg, png or gif"):
            picture_url(other)


WEBHOOK = {
    "temporary_id": "a",
    "type": "send-webhook",
    "links": {"next": None},
    "data": {"message": {"url": "https://169.254.169.254/"}},
}


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("upload_image_from_url", {"import_from_url": "https://169.254.169.254/a.png"}),
        ("create_webhook", {"name": "n", "endpoint_url": "https://169.254.169.254/", "secret_key": "invented",
                            "webhook_topic_ids": ["event:klaviyo.sent_sms"]}),
        ("update_webhook", {"webhook_id": "7", "endpoint_url": "https://169.254.169.254/"}),
        ("create_web_feed", {"name": "n", "url": "https://169.254.169.254/", "request_method": "get",
                             "content_type": "json"}),
        ("update_web_feed", {"web_feed_id": "7", "url": "https://169.254.169.254/"}),
        ("create_flow", {"name": "n", "definition": {"triggers": [], "entry_action_id": "a", "actions": [WEBHOOK]}}),
        ("update_flow_action", {"action_id": "7", "definition": WEBHOOK | {"id": "7"}}),
    ],
)  # fmt: skip
def test_pictures_and_webhooks_need_public_addresses(
    refusal_of: RefusalOf, operation: str, given: dict[str, object]
) -> None:
    assert "'169.254.169.254' is not a public address" in refusal_of(operation, **given)
