"""Campaigns and their messages: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.campaigns import area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

AUDIENCES = {"included": ["Y6nRLr"]}


def draft(message: object) -> dict[str, object]:
    return {"name": "Summer Newsletter", "audiences": AUDIENCES, "campaign_messages": [message]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, 'filter is required, such as equals(messages.channel,"email")'),
        (
            {"filter": 'equals(status,"Draft")'},
            'filter: a condition on messages.channel is needed: for example equals(messages.channel,"email")',
        ),
        (
            {"filter": 'equals(messages.channel,"email")', "sort": "-scheduled"},
            "sort: 'scheduled' is unknown; did you mean scheduled_at?",
        ),
    ],
)
def test_campaigns_are_listed_by_channel_only(
    refusal_of: RefusalOf, arguments: dict[str, object], message: str
) -> None:
    assert refusal_of("get_campaigns", **arguments) == message


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ({"subject": "Hi"}, "campaign_messages.0.channel is required (email or sms or mobile_push)"),
        (
            {"channel": "email", "body": "Hi"},
            "campaign_messages.0: body is not a field of channel email, which takes subject, preview_text, from_email, "
            "from_label, reply_to_email, cc_email, bcc_email, label; its text is a template "
            "(assign_template_to_campaign_message)",
        ),
        (
            {"channel": "sms", "subject": "Hi"},
            "campaign_messages.0: subject is not a field of channel sms, which takes body, render_options",
        ),
        (
            {"channel": "sms", "body": "Hi", "image_id": "7"},
            "campaign_messages.0: image_id is not a field of channel sms, which takes body, render_options",
        ),
        (
            {"channel": "mobile_push", "title": "Hi"},
            "campaign_messages.0: channel mobile_push needs body, or notification_type silent",
        ),
        (
            {"channel": "mobile_push", "title": "Hi", "notification_type": "silent"},
            "campaign_messages.0: title is not a field of a silent push, which takes notification_type, kv_pairs",
        ),
        (
            {"channel": "mobile_push", "body": "Hi", "options": {"on_open": {"type": "deep_link"}}},
            "campaign_messages.0.options.on_open: type deep_link needs ios_deep_link, android_deep_link or both",
        ),
        (
            {
                "channel": "mobile_push",
                "body": "Hi",
                "options": {"on_open": {"type": "open_app", "ios_deep_link": "a"}},
            },
            "campaign_messages.0.options.on_open: type open_app takes no deep links: use type deep_link",
        ),
        (
            {
                "channel": "mobile_push",
                "body": "Hi",
                "options": {"badge": {"display": True, "badge_options": {"badge_config": "set_count"}}},
            },
            "campaign_messages.0.options.badge.badge_options: badge_config set_count needs value",
        ),
        (
            {
                "channel": "mobile_push",
                "body": "Hi",
                "options": {
                    "badge": {"display": True, "badge_options": {"badge_config": "increment_one", "value": "1"}}
                },
            },
            "campaign_messages.0.options.badge.badge_options: value needs badge_config set_count",
        ),
        (
            {
                "channel": "mobile_push",
                "body": "Hi",
                "options": {"badge": {"display": False, "badge_options": {"badge_config": "increment_one"}}},
            },
            "campaign_messages.0.options.badge: badge_options needs display true",
        ),
    ],
)
def test_a_message_that_does_not_fit_its_channel_is_not_sent(
    refusal_of: RefusalOf, message: dict[str, object], refusal: str
) -> None:
    assert refusal_of("create_campaign", **draft(message)) == refusal


@pytest.mark.parametrize(
    ("strategy", "refusal"),
    [
        ({"method": "static"}, "send_strategy: method static needs datetime"),
        ({"method": "throttled"}, "send_strategy: method throttled needs datetime and throttle_percentage"),
        (
            {"method": "throttled", "datetime": "2026-03-01", "throttle_percentage": "30"},
            "send_strategy.throttle_percentage: 30 is not one of 10, 11, 13, 14, 17, 20, 25, 33, 50 "
            "(percent of recipients an hour)",
        ),
        ({"method": "smart_send_time", "datetime": "2026-03-01"}, "send_strategy: method smart_send_time needs date"),
        (
            {"method": "smart_send_time", "date": "2026-03-01", "options": {"is_local": True}},
            "send_strategy: method smart_send_time takes date, not options",
        ),
        (
            {"method": "immediate", "datetime": "2026-03-01"},
            "send_strategy: method immediate takes nothing else, not datetime",
        ),
        (
            {
                "method": "static",
                "datetime": "2026-03-01",
                "options": {"is_local": False, "send_past_recipients_immediately": True},
            },
            "send_strategy.options: send_past_recipients_immediately needs is_local true",
        ),
    ],
)
def test_a_schedule_that_lacks_or_mixes_times_is_not_sent(
    refusal_of: RefusalOf, strategy: dict[str, object], refusal: str
) -> None:
    assert refusal_of("update_campaign", campaign_id="01C", send_strategy=strategy) == refusal


def test_a_dynamic_tracking_value_is_one_of_klaviyos(refusal_of: RefusalOf) -> None:
    tracking = {"custom_tracking_params": [{"type": "dynamic", "name": "utm_id", "value": "campaignid"}]}
    assert refusal_of("update_campaign", campaign_id="01C", tracking_options=tracking) == (
        "tracking_options.custom_tracking_params.0: dynamic value 'campaignid' is unknown; did you mean campaign_id?"
    )


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({}, "arguments: give what changes: channel with subject, body …, image_id, or replacements"),
        (
            {"subject": "Hi"},
            "arguments: channel is needed with the fields of a message: email, sms or mobile_push",
        ),
    ],
)
def test_a_message_is_changed_with_its_channel(
    refusal_of: RefusalOf, arguments: dict[str, object], refusal: str
) -> None:
    assert refusal_of("update_campaign_message", campaign_message_id="01M", **arguments) == refusal


def test_e_mail_campaigns(request_of: RequestOf) -> None:
    sent = request_of(
        "get_campaigns", filter='equals(messages.channel,"email")', sort="-scheduled_at", include="campaign-messages"
    )
    assert sent == Request(
        "GET",
        "/api/campaigns",
        {"filter": 'equals(messages.channel,"email")', "sort": "-scheduled_at", "include": "campaign-messages"},
    )


def test_a_plain_newsletter(request_of: RequestOf) -> None:
    assert request_of("create_campaign", **draft({"channel": "email"})).body == {
        "data": {
            "type": "campaign",
            "attributes": {
                "name": "Summer Newsletter",
                "audiences": {"included": ["Y6nRLr"]},
                "campaign-messages": {
                    "data": [{"type": "campaign-message", "attributes": {"definition": {"channel": "email"}}}]
                },
            },
        }
    }


def test_a_newsletter_with_every_attribute(request_of: RequestOf) -> None:
    sent = request_of(
        "create_campaign",
        name="Summer sale",
        audiences={"included": ["Y6nRLr"], "excluded": ["UTd5ui"]},
        campaign_messages=[
            {
                "channel": "email",
                "label": "A",
                "subject": "Summer",
                "from_email": "shop@example.com",
                "from_label": "Us",
            }
        ],
        send_strategy={"method": "static", "datetime": "2026-06-01 09:00:00", "options": {"is_local": True}},
        send_options={"use_smart_sending": False},
        tracking_options={
            "is_tracking_opens": True,
            "custom_tracking_params": [{"type": "dynamic", "name": "utm_campaign", "value": "campaign-name"}],
        },
    )
    assert sent == Request(
        "POST",
        "/api/campaigns",
        {},
        {
            "data": {
                "type": "campaign",
                "attributes": {
                    "name": "Summer sale",
                    "audiences": {"included": ["Y6nRLr"], "excluded": ["UTd5ui"]},
                    "campaign-messages": {
                        "data": [
                            {
                                "type": "campaign-message",
                                "attributes": {
                                    "definition": {
                                        "channel": "email",
                                        "content": {
                                            "subject": "Summer",
                                            "from_email": "shop@example.com",
                                            "from_label": "Us",
                                        },
                                        "label": "A",
                                    }
                                },
                            }
                        ]
                    },
                    "send_strategy": {
                        "method": "static",
                        "datetime": "2026-06-01T09:00:00Z",
                        "options": {"is_local": True},
                    },
                    "send_options": {"use_smart_sending": False},
                    "tracking_options": {
                        "is_tracking_opens": True,
                        "custom_tracking_params": [
                            {"type": "dynamic", "name": "utm_campaign", "value": "campaign_name"}
                        ],
                    },
                },
            }
        },
    )


def test_a_push_message_leads_to_its_image(request_of: RequestOf) -> None:
    message = {"channel": "mobile_push", "title": "Sale", "body": "Now", "kv_pairs": {"page": "sale"}, "image_id": "7"}
    sent = request_of("create_campaign", **draft(message))
    assert sent.body["data"]["attributes"]["campaign-messages"]["data"] == [
        {
            "type": "campaign-message",
            "attributes": {
                "definition": {
                    "channel": "mobile_push",
                    "content": {"title": "Sale", "body": "Now"},
                    "kv_pairs": {"page": "sale"},
                }
            },
            "relationships": {"image": {"data": {"type": "image", "id": "7"}}},
        }
    ]


def test_a_message_in_klaviyos_nested_form_is_accepted(request_of: RequestOf) -> None:
    nested = {"definition": {"channel": "sms", "content": {"body": "Hi"}, "render_options": {"shorten_links": False}}}
    flat = {"channel": "sms", "body": "Hi", "render_options": {"shorten_links": False}}
    sent = request_of("create_campaign", **draft(nested))
    assert sent == request_of("create_campaign", **draft(flat))
    [message] = sent.body["data"]["attributes"]["campaign-messages"]["data"]
    assert message["attributes"] == nested


def test_only_the_given_attributes_of_a_campaign_change(request_of: RequestOf) -> None:
    sent = request_of(
        "update_campaign",
        campaign_id="01C",
        audiences={"excluded": ["UTd5ui"]},
        send_strategy={"method": "smart_send_time", "date": "2026-03-01"},
    )
    assert (sent.method, sent.path) == ("PATCH", "/api/campaigns/01C")
    assert sent.body == {
        "data": {
            "type": "campaign",
            "id": "01C",
            "attributes": {
                "audiences": {"excluded": ["UTd5ui"]},
                "send_strategy": {"method": "smart_send_time", "date": "2026-03-01"},
            },
        }
    }


def test_a_messages_subject_and_image_change(request_of: RequestOf) -> None:
    sent = request_of("update_campaign_message", campaign_message_id="01M", channel="email", subject="Late summer")
    assert (sent.method, sent.path) == ("PATCH", "/api/campaign-messages/01M")
    assert sent.body == {
        "data": {
            "type": "campaign-message",
            "id": "01M",
            "attributes": {"definition": {"channel": "email", "content": {"subject": "Late summer"}}},
        }
    }
    assert request_of("update_campaign_message", campaign_message_id="01M", image_id="7").body == {
        "data": {
            "type": "campaign-message",
            "id": "01M",
            "attributes": {},
            "relationships": {"image": {"data": {"type": "image", "id": "7"}}},
        }
    }
    assert request_of("update_image_for_campaign_message", campaign_message_id="01M", image_id="7") == Request(
        "PATCH", "/api/campaign-messages/01M/relationships/image", {}, {"data": {"type": "image", "id": "7"}}
    )


@pytest.mark.parametrize(
    ("name", "path", "data"),
    [
        ("send_campaign", "/api/campaign-send-jobs", {"type": "campaign-send-job", "id": "01C"}),
        (
            "refresh_campaign_recipient_estimation",
            "/api/campaign-recipient-estimation-jobs",
            {"type": "campaign-recipient-estimation-job", "id": "01C"},
        ),
        ("create_campaign_clone", "/api/campaign-clone", {"type": "campaign", "id": "01C", "attributes": {}}),
    ],
)
def test_an_action_on_a_campaign_has_its_id_in_the_body(
    request_of: RequestOf, name: str, path: str, data: dict[str, object]
) -> None:
    assert request_of(name, campaign_id="01C") == Request("POST", path, {}, {"data": data})


def test_a_copy_may_have_a_name(request_of: RequestOf) -> None:
    assert request_of("create_campaign_clone", campaign_id="01C", new_name="Again").body == {
        "data": {"type": "campaign", "id": "01C", "attributes": {"new_name": "Again"}}
    }


def test_a_template_is_given_to_a_message(request_of: RequestOf) -> None:
    sent = request_of("assign_template_to_campaign_message", campaign_message_id="01M", template_id="WJ3wbV")
    assert sent == Request(
        "POST",
        "/api/campaign-message-assign-template",
        {},
        {
            "data": {
                "type": "campaign-message",
                "id": "01M",
                "relationships": {"template": {"data": {"type": "template", "id": "WJ3wbV"}}},
            }
        },
    )


def test_a_send_is_stopped(request_of: RequestOf) -> None:
    assert request_of("cancel_campaign_send", campaign_id="01C", action="cancel") == Request(
        "PATCH",
        "/api/campaign-send-jobs/01C",
        {},
        {"data": {"type": "campaign-send-job", "id": "01C", "attributes": {"action": "cancel"}}},
    )


@pytest.mark.parametrize("name", ["send_campaign", "refresh_campaign_recipient_estimation"])
def test_jobs_of_a_campaign_are_read_by_its_id(name: str, request_of: RequestOf) -> None:
    job = area.operations[name].job
    assert job
    operation = area.operations[name]
    assert request_of(job.read, campaign_id="01C").path == f"{operation.path}/01C"


def test_the_estimate_is_read_by_the_campaigns_id(request_of: RequestOf) -> None:
    sent = request_of("get_campaign_recipient_estimation", campaign_id="01C")
    assert sent == Request("GET", "/api/campaign-recipient-estimations/01C")


def test_sending_reaches_people_and_estimating_does_not() -> None:
    operations = area.operations
    assert operations["send_campaign"].effect is Effect.REACHES_PEOPLE
    assert operations["create_campaign"].effect is Effect.WRITE
    assert operations["refresh_campaign_recipient_estimation"].effect is Effect.READ
    assert operations["cancel_campaign_send"].effect is Effect.REACHES_PEOPLE
