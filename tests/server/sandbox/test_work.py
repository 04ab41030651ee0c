"""Campaigns, flows, tags, segments, content and the shop: what one request does, the next reads."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_mcp.sandbox.behaviour.templates import fill_variables
from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.anyio

EMAIL = {"channel": "email", "label": "M", "content": {"subject": "Hello"}}
RULE = {"type": "profile-group-membership", "is_member": True, "group_ids": ["x"]}


async def audience(api: Any, count: int = 2) -> str:
    made = await api.make("list", "lists", name="L")
    for n in range(count):
        profile = await api.make("profile", "profiles", email=f"p{n}@example.com")
        api.sandbox.store.join("list", made["id"], profile["id"])
    return str(made["id"])


async def campaign(api: Any, list_id: str, **attributes: Any) -> dict[str, Any]:
    messages = {"data": [{"type": "campaign-message", "attributes": {"definition": EMAIL}}]}
    given = {"name": "C", "audiences": {"included": [list_id]}, "campaign-messages": messages, **attributes}
    return dict(await api.make("campaign", "campaigns", **given))


def linked(type_: str, id_: str) -> dict[str, Any]:
    return {"data": {"type": type_, "id": id_}}


async def test_campaign_is_made_with_its_messages(api: Any) -> None:
    made = await campaign(api, await audience(api))
    (message_id,) = [one["id"] for one in made["relationships"]["campaign-messages"]["data"]]
    document = await api.get("campaigns", filter='equals(messages.channel,"email")', include="campaign-messages")
    assert [one["id"] for one in document["data"]] == [made["id"]]
    assert document["included"][0]["attributes"]["definition"] == EMAIL
    assert await api.ids("campaigns", filter='equals(messages.channel,"sms")') == []
    message = {"type": "campaign-message", "id": message_id}
    change = {**message, "attributes": {"definition": {"channel": "email", "content": {"preview_text": "P"}}}}
    changed = await api.patch(f"campaign-messages/{message_id}", {"data": change})
    assert changed["data"]["attributes"]["definition"]["content"] == {"subject": "Hello", "preview_text": "P"}
    await api.delete(f"campaigns/{made['id']}")
    await api.get(f"campaign-messages/{message_id}", 404)


async def test_campaign_for_nobody_known_is_refused(api: Any) -> None:
    messages = {"data": [{"type": "campaign-message", "attributes": {"definition": EMAIL}}]}
    attributes = {"name": "C", "audiences": {"included": ["nope"]}, "campaign-messages": messages}
    document = await api.post("campaigns", {"data": {"type": "campaign", "attributes": attributes}}, 400)
    assert document["errors"][0]["source"] == {"pointer": "/data/attributes/audiences/included/0"}
    wrong = {
        **attributes,
        "campaign-messages": {"data": [{"type": "campaign-message", "attributes": {"channel": "email"}}]},
    }
    document = await api.post("campaigns", {"data": {"type": "campaign", "attributes": wrong}}, 400)
    assert document["errors"][0]["detail"] == "'definition' is a required field for the resource 'campaign-message'."


async def test_recipients_are_estimated_from_the_audience(api: Any) -> None:
    list_id = await audience(api, 3)
    suppressed = next(iter(api.sandbox.store.members("list", list_id)))
    record = api.sandbox.store.get("profile", suppressed)
    record.attributes["subscriptions"]["email"]["marketing"]["can_receive_email_marketing"] = False
    made = await campaign(api, list_id)
    await api.get(f"campaign-recipient-estimations/{made['id']}", 404)
    job = {"type": "campaign-recipient-estimation-job", "id": made["id"]}
    assert (await api.post("campaign-recipient-estimation-jobs", {"data": job}, 202))["data"]["id"] == made["id"]
    path = f"campaign-recipient-estimation-jobs/{made['id']}"
    assert [(await api.get(path))["data"]["attributes"]["status"] for _ in range(2)] == ["processing", "complete"]
    estimation = await api.get(f"campaign-recipient-estimations/{made['id']}")
    assert estimation["data"]["attributes"] == {"estimated_recipient_count": 2}


@pytest.mark.parametrize(
    ("strategy", "status"),
    [({"method": "immediate"}, "Sent"), ({"method": "static", "datetime": "2026-07-01T10:00:00+00:00"}, "Scheduled")],
)
async def test_sending_moves_a_draft_on_and_only_once(api: Any, strategy: Any, status: str) -> None:
    made = await campaign(api, await audience(api), send_strategy=strategy)
    assert made["attributes"]["status"] == "Draft"
    job = {"type": "campaign-send-job", "id": made["id"]}
    await api.post("campaign-send-jobs", {"data": job}, 202)
    held = (await api.get(f"campaigns/{made['id']}"))["data"]["attributes"]
    assert held["status"] == status
    await api.post("campaign-send-jobs", {"data": job}, 409)
    cancel = {"data": {**job, "attributes": {"action": "cancel"}}}
    await api.patch(f"campaign-send-jobs/{made['id']}", cancel, 409 if status == "Sent" else 204)
    held = (await api.get(f"campaigns/{made['id']}"))["data"]["attributes"]
    assert held["status"] == ("Sent" if status == "Sent" else "Cancelled")


async def test_campaign_without_recipients_is_not_sent(api: Any) -> None:
    made = await campaign(api, await audience(api, 0))
    await api.post("campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": made["id"]}}, 400)
    assert (await api.get(f"campaigns/{made['id']}"))["data"]["attributes"]["status"] == "Draft"


async def test_clone_and_template_copies_stand_alone(api: Any) -> None:
    made = await campaign(api, await audience(api))
    (message_id,) = await api.ids(f"campaigns/{made['id']}/campaign-messages")
    template = await api.make("template", "templates", name="T", editor_type="CODE", html="<p>1</p>")
    assign = {
        "type": "campaign-message",
        "id": message_id,
        "relationships": {"template": linked("template", template["id"])},
    }
    await api.post("campaign-message-assign-template", {"data": assign}, 200)
    copy = (await api.get(f"campaign-messages/{message_id}/template"))["data"]
    assert copy["id"] != template["id"]
    body = {"type": "campaign", "id": made["id"], "attributes": {"new_name": "C2"}}
    clone = (await api.post("campaign-clone", {"data": body}))["data"]
    assert (clone["attributes"]["name"], clone["attributes"]["status"]) == ("C2", "Draft")
    assert (await api.ids(f"campaigns/{clone['id']}/campaign-messages")) != [message_id]


async def test_flow_is_a_draft_with_its_actions_and_messages(api: Any) -> None:
    actions = [
        {"type": "time-delay", "temporary_id": "a", "data": {"unit": "days", "value": 1}},
        {
            "type": "send-email",
            "temporary_id": "b",
            "data": {"message": {"name": "Hi", "subject_line": "S"}, "status": "draft"},
        },
    ]
    definition = {"triggers": [{"type": "metric", "id": "M"}], "actions": actions, "entry_action_id": "a"}
    made = await api.make("flow", "flows", name="F", definition=definition)
    assert (made["attributes"]["status"], made["attributes"]["trigger_type"]) == ("draft", "Metric")
    assert await api.ids("flows", filter='equals(trigger_type,"Metric")') == [made["id"]]
    first, second = (await api.get(f"flows/{made['id']}/flow-actions", sort="id"))["data"]
    types = {one["id"]: one["attributes"]["definition"]["type"] for one in (first, second)}
    assert sorted(types.values()) == ["send-email", "time-delay"]
    (email,) = await api.ids(f"flows/{made['id']}/flow-actions", filter='equals(action_type,"send-email")')
    (message,) = (await api.get(f"flow-actions/{email}/flow-messages"))["data"]
    assert (message["attributes"]["channel"], message["attributes"]["definition"]["name"]) == ("email", "Hi")
    assert await api.ids(f"flow-actions/{email}/flow-messages", filter='starts-with(name,"H")') == [message["id"]]
    change = {"type": "flow", "id": made["id"], "attributes": {"status": "live"}}
    assert (await api.patch(f"flows/{made['id']}", {"data": change}))["data"]["attributes"]["status"] == "live"
    await api.patch(f"flows/{made['id']}", {"data": {**change, "attributes": {"status": "on"}}}, 400)
    await api.delete(f"flows/{made['id']}")
    await api.get(f"flow-actions/{email}", 404)


async def test_tags_are_put_on_things_and_read_from_both_ends(api: Any) -> None:
    api.sandbox.store.add(Record("tag-group", "G0", {"name": "Default", "exclusive": False, "default": True}))
    tag = await api.make("tag", "tags", name="spring")
    assert tag["relationships"]["tag-group"]["data"]["id"] == "G0"
    made = await campaign(api, await audience(api))
    path = f"tags/{tag['id']}/relationships/campaigns"
    await api.post(path, {"data": [{"type": "campaign", "id": made["id"]}]}, 204)
    assert await api.ids(path) == [made["id"]]
    assert await api.ids(f"campaigns/{made['id']}/tags") == [tag["id"]]
    await api.delete(path, {"data": [{"type": "campaign", "id": made["id"]}]})
    assert await api.ids(f"campaigns/{made['id']}/tags") == []
    await api.post(path, {"data": [{"type": "campaign", "id": "nope"}]}, 404)
    await api.delete("tag-groups/G0", status=400)
    group = await api.make("tag-group", "tag-groups", name="Season", exclusive=True)
    assert group["attributes"] == {"name": "Season", "exclusive": True, "default": False}
    assert (await api.delete(f"tag-groups/{group['id']}", status=200))["data"]["id"] == group["id"]
    assert await api.ids("tag-groups/G0/tags") == [tag["id"]]
    await api.patch(
        f"tags/{tag['id']}", {"data": {"type": "tag", "id": tag["id"], "attributes": {"name": "autumn"}}}, 204
    )
    assert (await api.get(f"tags/{tag['id']}"))["data"]["attributes"]["name"] == "autumn"
    await api.delete(f"tags/{tag['id']}")
    assert await api.ids("tag-groups/G0/tags") == []


async def test_segment_is_processing_until_read_again(api: Any) -> None:
    definition = {"condition_groups": [{"conditions": [RULE]}]}
    made = await api.make("segment", "segments", name="S", definition=definition)
    reads = [(await api.get(f"segments/{made['id']}"))["data"]["attributes"]["is_processing"] for _ in range(2)]
    assert [made["attributes"]["is_processing"], *reads] == [True, True, False]
    await api.post("segments", {"data": {"type": "segment", "attributes": {"name": "S"}}}, 400)


async def test_template_is_made_rendered_cloned_and_deleted(api: Any) -> None:
    html = "<p>Hi {{ person.first_name|default:'friend' }}, {{ shop }}</p>"
    made = await api.make("template", "templates", name="T", editor_type="CODE", html=html)
    for context, expected in (
        ({"person": {"first_name": "Ada"}, "shop": "X"}, "<p>Hi Ada, X</p>"),
        ({}, "<p>Hi friend, </p>"),
    ):
        body = {"type": "template", "id": made["id"], "attributes": {"context": context}}
        assert (await api.post("template-render", {"data": body}))["data"]["attributes"]["html"] == expected
    body = {"type": "template", "id": made["id"], "attributes": {"name": "Copy"}}
    clone = (await api.post("template-clone", {"data": body}))["data"]
    assert (clone["attributes"]["name"], clone["attributes"]["html"]) == ("Copy", html)
    assert await api.ids("templates", filter='contains(name,"cop")') == [clone["id"]]
    await api.delete(f"templates/{made['id']}")
    await api.get(f"templates/{made['id']}", 404)
    await api.post("templates", {"data": {"type": "template", "attributes": {"name": "T", "editor_type": "WORD"}}}, 400)


def test_render_leaves_what_is_no_variable() -> None:
    assert fill_variables("{% if x %} {{ }} {{ a.b }}", {"a": {"b": 3}}) == "{% if x %} {{ }} 3"


async def test_image_comes_from_a_url_or_a_file(api: Any) -> None:
    made = await api.make("image", "images", import_from_url="https://example.com/pic/cat.jpg")
    assert (made["attributes"]["name"], made["attributes"]["format"]) == ("cat", "jpeg")
    await api.post("images", {"data": {"type": "image", "attributes": {"import_from_url": "ftp://example.com"}}}, 400)
    content = b"\x89PNG\r\n\x1a\n\r\n--x\r\n" + bytes(range(256))
    upload = {"files": {"file": ("dog.png", content, "image/png")}, "data": {"hidden": "true"}}
    answered = await api.client.post("/klaviyo/api/image-upload", **upload)
    assert answered.status_code == 201
    told = answered.json()["data"]["attributes"]
    assert (told["name"], told["format"], told["size"], told["hidden"]) == ("dog", "png", len(content), True)
    refused = await api.client.post("/klaviyo/api/image-upload", files={"file": ("x.png", b"no image", "image/png")})
    assert refused.status_code == 400


async def test_webhook_needs_a_secret_and_a_known_topic(api: Any) -> None:
    api.sandbox.store.add(Record("webhook-topic", "event:klaviyo.sent_sms", {}))
    attributes = {"name": "W", "endpoint_url": "https://example.com/h", "secret_key": "s3cret"}
    topics = {"webhook-topics": {"data": [{"type": "webhook-topic", "id": "event:klaviyo.sent_sms"}]}}
    made = await api.post("webhooks", {"data": {"type": "webhook", "attributes": attributes, "relationships": topics}})
    assert "s3cret" not in str(made)
    assert made["data"]["attributes"]["enabled"] is True
    for wrong in (
        {**attributes, "secret_key": ""},
        {**attributes, "endpoint_url": "http://example.com"},
        {"name": "W"},
    ):
        await api.post("webhooks", {"data": {"type": "webhook", "attributes": wrong, "relationships": topics}}, 400)
    topics["webhook-topics"]["data"][0]["id"] = "campaign:sent"
    await api.post("webhooks", {"data": {"type": "webhook", "attributes": attributes, "relationships": topics}}, 404)
    document = await api.get(f"webhooks/{made['data']['id']}", include="webhook-topics")
    assert [one["id"] for one in document["included"]] == ["event:klaviyo.sent_sms"]


async def test_review_status_is_an_object_and_is_filtered_by_its_value(api: Any) -> None:
    review = {"status": {"value": "pending"}, "rating": 4, "images": [], "verified": True, "review_type": "review"}
    moments = {"created": "2026-05-01T00:00:00+00:00", "updated": "2026-05-01T00:00:00+00:00"}
    api.sandbox.store.add(Record("review", "R1", review | moments))
    assert await api.ids("reviews", filter='equals(status,"pending")') == ["R1"]
    rejection = {"value": "rejected", "rejection_reason": {"reason": "fake"}}
    change = {"type": "review", "id": "R1", "attributes": {"status": rejection}}
    assert (await api.patch("reviews/R1", {"data": change}))["data"]["attributes"]["status"] == rejection
    await api.patch("reviews/R1", {"data": {**change, "attributes": {"status": "published"}}}, 400)
    assert await api.ids("reviews", filter='equals(status,"pending")') == []


async def test_catalog_ids_are_made_of_the_external_id(api: Any) -> None:
    item = {"external_id": "A-1", "title": "Tent", "description": "D", "url": "https://example.com/a"}
    made = await api.make("catalog-item", "catalog-items", **item)
    assert made["id"] == "$custom:::$default:::A-1"
    await api.post("catalog-items", {"data": {"type": "catalog-item", "attributes": item}}, 409)
    variant = {**item, "external_id": "A-1-S", "sku": "S", "inventory_quantity": 3, "price": 9.5}
    relationships = {"item": linked("catalog-item", made["id"])}
    data = {"type": "catalog-variant", "attributes": variant, "relationships": relationships}
    await api.post("catalog-variants", {"data": data})
    category = await api.make("catalog-category", "catalog-categories", external_id="C", name="Tents")
    path = f"catalog-items/{made['id'].replace('$', '%24').replace(':', '%3A')}"
    await api.post(
        f"{path}/relationships/categories", {"data": [{"type": "catalog-category", "id": category["id"]}]}, 204
    )
    assert await api.ids("catalog-items", filter=f'equals(category.id,"{category["id"]}")') == [made["id"]]
    assert await api.ids("catalog-variants", filter=f'equals(item.id,"{made["id"]}")') == ["$custom:::$default:::A-1-S"]
    assert [one["id"] for one in (await api.get("catalog-items", include="variants"))["included"]] == [
        "$custom:::$default:::A-1-S"
    ]
    await api.delete(path)
    assert await api.ids("catalog-variants") == []


async def test_catalog_job_does_what_it_can_and_tells_the_rest(api: Any) -> None:
    item = {"external_id": "A", "title": "T", "description": "D", "url": "https://example.com/a"}
    resources = [{"type": "catalog-item", "attributes": item}] * 2
    body = {"type": "catalog-item-bulk-create-job", "attributes": {"items": {"data": resources}}}
    job = (await api.post("catalog-item-bulk-create-jobs", {"data": body}, 202))["data"]
    path = f"catalog-item-bulk-create-jobs/{job['id']}"
    await api.get(path)
    done = (await api.get(path, include="items"))["data"]["attributes"]
    assert (done["status"], done["completed_count"], done["failed_count"]) == ("complete", 1, 1)
    assert done["errors"][0]["source"] == {"pointer": "/data/attributes/items/data/1"}


async def test_coupon_codes_belong_to_their_coupon(api: Any) -> None:
    await api.post("coupons", {"data": {"type": "coupon", "attributes": {"external_id": "no-hyphens"}}}, 400)
    made = await api.make("coupon", "coupons", external_id="SPRING")
    assert made["id"] == "SPRING"
    relationships = {"coupon": linked("coupon", "SPRING")}
    data: dict[str, Any] = {"type": "coupon-code", "attributes": {"unique_code": "X1"}, "relationships": relationships}
    code = (await api.post("coupon-codes", {"data": data}, 200))["data"]
    assert (code["id"], code["attributes"]["status"]) == ("SPRING-X1", "UNASSIGNED")
    await api.post("coupon-codes", {"data": data}, 409)
    assert await api.ids("coupon-codes", filter='equals(coupon.id,"SPRING")') == ["SPRING-X1"]
    assert await api.ids("coupons/SPRING/coupon-codes") == ["SPRING-X1"]
    data["relationships"]["coupon"]["data"]["id"] = "NONE"
    await api.post("coupon-codes", {"data": data}, 404)
    await api.delete("coupons/SPRING")
    await api.get("coupon-codes/SPRING-X1", 404)
