"""Definitions of segments over an account: each kind of condition, and any definition beside a plain evaluation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.segments.definition import read_definition
from klaviyo_mcp.sandbox.state.store import Record, Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALL_TIME = {"type": "date", "operator": "alltime"}


def days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def string(operator: str, value: Any) -> dict[str, Any]:
    return {"type": "string", "operator": operator, "value": value}


def numeric(operator: str, value: float) -> dict[str, Any]:
    return {"type": "numeric", "operator": operator, "value": value}


def the_last(days: int) -> dict[str, Any]:
    return {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": days}


def prop(name: str, filter_: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "profile-property", "property": name, "filter": filter_}


def metric(measurement: str, test: Mapping[str, Any], timeframe: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    facts = {"measurement": measurement, "measurement_filter": test, "timeframe_filter": timeframe}
    return {"type": "profile-metric", "metric_id": "Order1", **facts, **more}


def consent(channel: str, can_receive: bool, subscription: str, *filters: Mapping[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = {"subscription": subscription}
    if filters:
        status["filters"] = list(filters)
    facts = {"channel": channel, "can_receive_marketing": can_receive, "consent_status": status}
    return {"type": "profile-marketing-consent", "consent": facts}


def group(is_member: bool, *ids: str, since: Mapping[str, Any] | None = None) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "profile-group-membership", "is_member": is_member, "group_ids": list(ids)}
    return row | ({"timeframe_filter": since} if since else {})


def predicted(dimension: str, filter_: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "profile-predictive-analytics", "dimension": dimension, "filter": filter_, **more}


def distance(operator: str, value: float, postal_code: str = "10115") -> dict[str, Any]:
    where = {"country_code": "DE", "postal_code": postal_code, "unit": "kilometers"}
    return {"type": "profile-postal-code-distance", **where, "filter": numeric(operator, value)}


def groups(*conditions: Mapping[str, Any]) -> dict[str, Any]:
    """A definition that asks for all of these."""
    return {"condition_groups": [{"conditions": [condition]} for condition in conditions]}


def email(**facts: Any) -> dict[str, Any]:
    return {"email": {"marketing": facts}}


PLACES = {
    "berlin": {"country": "Germany", "zip": "10115", "latitude": 52.53, "longitude": 13.38, "city": "Berlin"},
    "potsdam": {"country": "DE", "zip": "14467", "latitude": "52.40", "longitude": "13.05", "city": "Potsdam"},
    "denver": {"country": "United States", "zip": "80202", "latitude": 39.74, "longitude": -104.99, "city": "Denver"},
}
PROFILES: Mapping[str, dict[str, Any]] = {
    "ada": {
        "email": "ada@example.com", "first_name": "Ada", "created": days_ago(400), "location": PLACES["berlin"],
        "properties": {"tier": "gold", "size": 38, "vip": True, "tags": ["trail", "tea"], "birthday": "1990-06-02"},
        "subscriptions": email(
            can_receive_email_marketing=True, consent="SUBSCRIBED", consent_timestamp=days_ago(10), method="FORM",
            method_detail="form1", double_optin=True, custom_method_detail="kiosk"),
        "predictive_analytics": {
            "churn_probability": 0.2, "expected_date_of_next_order": (NOW + timedelta(days=5)).isoformat(),
            "ranked_channel_affinity": ["email", "sms"]},
    },
    "bo": {
        "email": "bo@example.com", "first_name": "Bo", "created": days_ago(20), "location": PLACES["potsdam"],
        "properties": {"tier": "Gold", "size": 41, "vip": False, "birthday": "1988-06-01"},
        "subscriptions": email(
            can_receive_email_marketing=False, consent="SUBSCRIBED", consent_timestamp=days_ago(90),
            suppression=[{"reason": "HARD_BOUNCE", "timestamp": days_ago(3)}])
        | {"sms": {"marketing": {"can_receive_sms_marketing": True, "consent": "SUBSCRIBED"}}},
    },
    "cy": {
        "email": None, "first_name": None, "created": days_ago(2), "location": PLACES["denver"],
        "properties": {}, "subscriptions": {"whatsapp": {"marketing": {
            "consent": "UNSUBSCRIBED", "can_receive": False, "consent_timestamp": days_ago(1)}}},
    },
    "di": {"email": "di@example.com", "created": days_ago(1), "location": None, "properties": None},
}  # fmt: skip
ORDERS = (("ada", 3, 50.0, "web"), ("ada", 40, 70.0, "shop"), ("ada", 400, 10.0, "web"), ("bo", 100, 200.0, "shop"))
"""Whose order, how many days ago, its value and where."""


@pytest.fixture(scope="module")
def account() -> Store:
    store = Store(now=NOW)
    store.add(Record("account", "A", {"timezone": "America/Denver"}))
    store.add(Record("metric", "Order1", {"name": "Placed Order"}))
    for id_, attributes in PROFILES.items():
        store.add(Record("profile", id_, attributes))
    for number, (profile, days, value, place) in enumerate(ORDERS):
        at = int((NOW - timedelta(days=days)).timestamp())
        properties = {"$value": value, "place": place}
        links: dict[str, Any] = {"metric": "Order1", "profile": profile}
        store.add(Record("event", f"E{number}", {"timestamp": at, "event_properties": properties}, links))
    store.add(Record("list", "L1", {}))
    store.join("list", "L1", "ada", days_ago(300))
    store.join("list", "L1", "cy", days_ago(2))
    store.add(Record("segment", "S1", {"definition": groups(prop("first_name", string("equals", "Bo")))}))
    return store


CASES: list[tuple[dict[str, Any], str]] = [
    (prop("first_name", string("equals", "Ada")), "ada"),
    (prop("first_name", string("not-equals", "Ada")), "bo cy di"),
    (prop("first_name", string("equals", None)), "cy di"),
    (prop("properties['tier']", string("in", ["gold", "silver"])), "ada"),
    (prop("properties['tier']", string("not-in", ["gold", "Gold"])), "cy di"),
    (prop('properties["tier"]', string("regex", "(?i)^gold$")), "ada bo"),
    (prop("properties['tier']", string("nregex", "ld")), "cy di"),
    (prop("properties['size']", numeric("greater-than-or-equal", 41)), "bo"),
    (prop("properties['size']", numeric("not-equals", 41)), "ada cy di"),
    (prop("properties['vip']", {"type": "boolean", "operator": "equals", "value": False}), "bo"),
    (prop("properties['tags']", {"type": "list", "operator": "contains", "value": "tea"}), "ada"),
    (prop("properties['tags']", {"type": "list", "operator": "not-contains", "value": "tea"}), "bo cy di"),
    (prop("properties['tags']", {"type": "list", "operator": "length-greater-than", "value": 1}), "ada"),
    (prop("email", {"type": "existence", "operator": "not-set"}), "cy"),
    (prop("location['city']", string("starts-with", "P")), "bo"),
    (prop("created", the_last(20)), "bo cy di"),
    (prop("created", {"type": "date", "operator": "at-least", "unit": "week", "quantity": 2}), "ada bo"),
    (prop("created", {"type": "date", "operator": "between", "unit": "day", "start": 2, "end": 30}), "bo cy"),
    (prop("created", {"type": "date", "operator": "before", "date": "2026-01-01"}), "ada"),
    (prop("created", {"type": "date", "operator": "between-static", "start": days_ago(21), "end": days_ago(2)}),
     "bo cy"),
    (prop("properties['birthday']", {"type": "date", "operator": "anniversary"}), "bo"),
    (prop("properties['birthday']", {"type": "date", "operator": "anniversary-next", "unit": "day", "quantity": 1}),
     "ada bo"),
    (prop("properties['birthday']", {"type": "date", "operator": "anniversary-month"}), "ada bo"),
    (prop("properties['birthday']", {"type": "date", "operator": "calendar-month", "value": 5}), ""),
    (metric("count", numeric("greater-than-or-equal", 2), ALL_TIME), "ada"),
    (metric("count", numeric("equals", 0), the_last(30)), "bo cy di"),
    (metric("count", numeric("less-than", 1), ALL_TIME), "cy di"),
    (metric("sum", numeric("greater-than", 119.99), the_last(365)), "ada bo"),
    (metric("sum", numeric("equals", 60), ALL_TIME,
            metric_filters=[{"property": "place", "filter": string("equals", "web")}]), "ada"),
    (group(True, "L1"), "ada cy"),
    (group(True, "L1", since=the_last(30)), "cy"),
    (group(False, "L1"), "bo di"),
    (group(True, "L1", "S1"), "ada bo cy"),
    (group(False, "L1", "S1"), "di"),
    (consent("email", True, "any"), "ada di"),
    (consent("email", True, "subscribed"), "ada"),
    (consent("email", True, "never_subscribed"), "di"),
    (consent("email", False, "any"), "bo cy"),
    (consent("email", False, "subscribed", {"field": "bounce_date", "filter": the_last(7)}), "bo"),
    (consent("email", False, "any", {"field": "invalid_email_date",
                                     "filter": {"type": "existence", "operator": "is-set"}}), ""),
    (consent("email", True, "subscribed", {"field": "status_date", "filter": the_last(30)}), "ada"),
    (consent("email", True, "subscribed", {"field": "method", "method": "form", "filter": string("in", ["form1"])}),
     "ada"),
    (consent("email", True, "subscribed", {"field": "method", "method": "api"}), ""),
    (consent("email", True, "subscribed", {"field": "custom_source", "filter": string("equals", "kiosk")}), "ada"),
    (consent("email", True, "subscribed",
             {"field": "is_double_opt_in", "filter": {"type": "boolean", "operator": "equals", "value": False}}), ""),
    (consent("sms", True, "subscribed"), "bo"),
    (consent("sms", False, "any"), "ada cy di"),
    (consent("push", True, "any"), ""),
    ({"type": "profile-region", "in_region": True, "region": "european_union"}, "ada bo"),
    ({"type": "profile-region", "in_region": False, "region": "united_states"}, "ada bo di"),
    (distance("less-than", 30), "ada bo"),
    (distance("greater-than", 30), "cy"),
    (predicted("churn_probability", numeric("less-than", 0.5)), "ada"),
    (predicted("expected_date_of_next_purchase",
               {"type": "date", "operator": "in-the-next", "unit": "week", "quantity": 1}), "ada"),
    (predicted("channel_affinity", numeric("equals", 2), measurement="priority", predicted_channel="sms"), "ada"),
    ({"type": "profile-permissions", "channel": "whatsapp_marketing", "permission": {
        "reachable_status": "explicitly_unreachable",
        "filters": [{"field": "effective_date", "filter": the_last(2)}]}}, "cy"),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), CASES)
def test_a_condition_selects_the_profiles_that_satisfy_it(
    condition: dict[str, Any], expected: str, account: Store
) -> None:
    assert read_definition(groups(condition), account).profile_ids(account) == expected.split()


def test_groups_must_all_hold_and_of_a_group_one_condition(account: Store) -> None:
    either = {"conditions": [prop("first_name", string("equals", "Bo")), group(True, "L1")]}
    with_email = {"conditions": [consent("email", True, "any"), consent("email", False, "subscribed")]}
    definition = read_definition({"condition_groups": [either, with_email]}, account)
    assert definition.profile_ids(account) == ["ada", "bo"]


@pytest.mark.parametrize(
    ("condition", "place", "reason"),
    [
        ({"type": "profile-metric-funnel", "steps": []}, "type", "profile-metric-funnel"),
        ({"type": "profile-has-custom-object"}, "type", "profile-has-custom-object"),
        (prop("loyalty_tier", string("equals", "gold")), "property", "properties['loyalty_tier']"),
        (prop("location['planet']", string("equals", "Mars")), "property", "no property"),
        (prop("first_name", string("regex", "(")), "filter/value", "regular expression"),
        (prop("phone_number", string("phone-country-code-in", ["GB"])), "filter", "calling codes"),
        (prop("first_name", string("contains", None)), "filter/value", "needs a value"),
        (group(True, "Newsletter"), "group_ids/0", "Newsletter"),
        (group(True), "group_ids", "At least one"),
        ({**metric("count", numeric("equals", 1), ALL_TIME), "metric_id": "Placed Order"}, "metric_id", "Placed Order"),
        (metric("count", numeric("equals", 1), ALL_TIME, metric_filters=[{"property": "a"}]),
         "metric_filters/0/filter", "'a'"),
        (predicted("predicted_gender", string("equals", "uncertain")), "dimension", "predicted_gender"),
        (predicted("channel_affinity", string("equals", "high"), measurement="rank", predicted_channel="sms"),
         "dimension", "channel_affinity"),
        (consent("sms", True, "subscribed", {"field": "is_rcs_capable", "filter": {"type": "boolean"}}),
         "consent/consent_status/filters/0/field", "is_rcs_capable"),
        (distance("less-than", 10, "00000"), "postal_code", "00000"),
        ({"type": "profile-permissions", "channel": "whatsapp_marketing",
          "permission": {"reachable_status": "implicitly_reachable"}}, "permission/reachable_status", "implicitly"),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_be_evaluated_is_refused_with_its_place(
    condition: dict[str, Any], place: str, reason: str, account: Store
) -> None:
    definition = {"condition_groups": [{"conditions": [group(True, "L1")]}, {"conditions": [condition]}]}
    with pytest.raises(KlaviyoError) as raised:
        read_definition(definition, account)
    assert raised.value.status == 400
    assert raised.value.pointer == f"/data/attributes/definition/condition_groups/1/conditions/0/{place}"
    assert reason in raised.value.detail


@pytest.mark.parametrize("definition", [{"condition_groups": []}, {"condition_groups": [{"conditions": []}]}])
def test_a_definition_without_conditions_is_refused(definition: dict[str, Any], account: Store) -> None:
    with pytest.raises(KlaviyoError):
        read_definition(definition, account)


@pytest.mark.parametrize(
    ("born", "today", "expected"),
    [("2000-02-29", "2026-02-28", True), ("2000-02-29", "2026-03-01", False), ("2000-02-29", "2028-02-29", True),
     ("1999-12-31", "2026-12-31", True)],
)  # fmt: skip
def test_a_birthday_on_29_february_falls_on_the_28th(born: str, today: str, expected: bool) -> None:
    store = Store(now=datetime.fromisoformat(f"{today}T12:00:00+00:00"))
    store.add(Record("profile", "p", {"properties": {"birthday": born}}))
    definition = groups(prop("properties['birthday']", {"type": "date", "operator": "anniversary"}))
    assert read_definition(definition, store).profile_ids(store) == (["p"] if expected else [])


# A plain evaluation: each condition by itself, for each profile all events anew.

NUMBERS = st.integers(0, 4)
COMPARISONS = {
    "equals": lambda a, b: a == b,
    "not-equals": lambda a, b: a != b,
    "greater-than": lambda a, b: a > b,
    "greater-than-or-equal": lambda a, b: a >= b,
    "less-than": lambda a, b: a < b,
    "less-than-or-equal": lambda a, b: a <= b,
}
TEXTS = ("", "a", "b", "ab")
PEOPLE = st.lists(
    st.fixed_dictionaries({
        "first_name": st.sampled_from((None, *TEXTS)),
        "size": st.one_of(st.none(), NUMBERS),
        "can_receive": st.booleans(),
        "consent": st.sampled_from(("SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED")),
        "joined": st.one_of(st.none(), NUMBERS),
        "orders": st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3),
    }),
    max_size=6,
)  # fmt: skip
"""Days since joining the list; of each order the days since it, and its value."""
CONDITIONS = st.one_of(
    st.builds(
        lambda operator, value: prop("first_name", string(operator, value)),
        st.sampled_from(("equals", "not-equals", "contains", "not-contains", "starts-with", "not-ends-with")),
        st.sampled_from(TEXTS),
    ),
    st.builds(lambda o, v: prop("properties['size']", numeric(o, v)), st.sampled_from(list(COMPARISONS)), NUMBERS),
    st.builds(
        lambda measure, o, v, days: metric(measure, numeric(o, v), the_last(days) if days else ALL_TIME),
        st.sampled_from(("count", "sum")),
        st.sampled_from(list(COMPARISONS)),
        NUMBERS,
        NUMBERS,
    ),
    st.builds(
        lambda is_member, days: group(is_member, "L1", since=the_last(days) if is_member and days else None),
        st.booleans(),
        NUMBERS,
    ),
    st.builds(
        lambda can, subscription: consent("email", can, subscription),
        st.booleans(),
        st.sampled_from(("any", "subscribed", "unsubscribed", "never_subscribed")),
    ),
)
DEFINITIONS = st.lists(st.lists(CONDITIONS, min_size=1, max_size=3), min_size=1, max_size=3)


def plain_text(operator: str, text: str | None, value: str) -> bool:
    if operator.startswith("not-"):
        return not plain_text(operator.removeprefix("not-"), text, value)
    pattern = {"equals": "^{}$", "contains": "{}", "starts-with": "^{}", "ends-with": "{}$"}[operator]
    return text is not None and bool(re.search(pattern.format(re.escape(value)), text))


def plainly_holds(condition: Mapping[str, Any], person: Mapping[str, Any]) -> bool:
    """Whether a person satisfies a condition, days being the only unit of time."""
    match condition["type"]:
        case "profile-property":
            test = condition["filter"]
            if condition["property"] == "first_name":
                return plain_text(test["operator"], person["first_name"], test["value"])
            if person["size"] is None:
                return bool(test["operator"] == "not-equals")
            return bool(COMPARISONS[test["operator"]](person["size"], test["value"]))
        case "profile-metric":
            most = condition["timeframe_filter"].get("quantity", 1_000)
            values = [value for days, value in person["orders"] if days <= most]
            measure = len(values) if condition["measurement"] == "count" else sum(values)
            test = condition["measurement_filter"]
            return bool(COMPARISONS[test["operator"]](measure, test["value"]))
        case "profile-group-membership":
            most = condition.get("timeframe_filter", {}).get("quantity", 1_000)
            is_in = person["joined"] is not None and person["joined"] <= most
            return bool(is_in == condition["is_member"])
    facts = condition["consent"]
    wanted = facts["consent_status"]["subscription"].upper()
    return person["can_receive"] == facts["can_receive_marketing"] and wanted in ("ANY", person["consent"])


@given(PEOPLE, DEFINITIONS)
def test_any_definition_selects_what_a_plain_evaluation_selects(
    people: list[dict[str, Any]], rows: list[list[dict[str, Any]]]
) -> None:
    store = Store(now=NOW)
    store.add(Record("list", "L1", {}))
    store.add(Record("metric", "Order1", {}))
    for number, person in enumerate(people):
        subscription = email(can_receive_email_marketing=person["can_receive"], consent=person["consent"])
        attributes = {"email": "x@example.com", "first_name": person["first_name"], "subscriptions": subscription}
        attributes["properties"] = {} if person["size"] is None else {"size": person["size"]}
        store.add(Record("profile", f"P{number}", attributes))
        if person["joined"] is not None:
            store.join("list", "L1", f"P{number}", days_ago(person["joined"]))
        for days, value in person["orders"]:
            event = {"timestamp": (NOW - timedelta(days=days)).timestamp(), "event_properties": {"$value": value}}
            links: dict[str, Any] = {"metric": "Order1", "profile": f"P{number}"}
            store.add(Record("event", store.new_id("event"), event, links))
    definition = {"condition_groups": [{"conditions": row} for row in rows]}
    expected = [
        f"P{number}"
        for number, person in enumerate(people)
        if all(any(plainly_holds(condition, person) for condition in row) for row in rows)
    ]
    assert read_definition(definition, store).profile_ids(store) == expected
    store.add(Record("segment", "S1", {"definition": definition}))
    assert list(store.members("segment", "S1")) == expected
