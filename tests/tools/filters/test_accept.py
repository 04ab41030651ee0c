"""Filters that models write: which are refused, which are corrected, and the text that is sent."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from klaviyo_tools.filters.accept import accept_conditions, accept_filter
from klaviyo_tools.filters.check import check_filter
from klaviyo_tools.filters.fields import describe_fields
from klaviyo_tools.filters.reader import parse_filter
from klaviyo_tools.filters.tree import (
    ABSENT,
    And,
    Comparison,
    Filter,
    FilterError,
    Moment,
    Not,
    Number,
    Or,
    render_filter,
)

SHARED = Path(__file__).parents[4] / "shared"

PROFILES = {
    "id": "any equals",
    "email": "any equals",
    "phone_number": "any equals",
    "_kx": "equals",
    "created": "greater-than less-than",
    "updated": "greater-than less-than",
    "subscriptions.email.marketing.suppression.timestamp": "greater-or-equal greater-than less-or-equal less-than",
}
CAMPAIGNS = {
    "id": "any",
    "messages.channel": "equals",
    "name": "contains",
    "status": "any equals",
    "archived": "equals",
    "created_at": "greater-or-equal greater-than less-or-equal less-than",
}
COUPON_CODES = {"status": "equals", "coupon.id": "any equals", "profile.id": "any equals"}
EVENTS = {
    "metric_id": "equals",
    "profile": "has",
    "datetime": "greater-or-equal less-than",
    "timestamp": "greater-than",
}
REVIEWS = {"rating": "any equals greater-or-equal less-or-equal", "content": "contains", "verified": "equals"}
REPORT = {
    "campaign_id": "equals contains-any",
    "send_channel": "equals contains-any",
    "tag_id": "contains-any contains-all",
}
AGGREGATES = {"datetime": "greater-or-equal less-than", "*": "equals contains"}
EVERYTHING = {
    "words": "equals any contains contains-any contains-all starts-with ends-with",
    "created": "equals greater-than greater-or-equal less-than less-or-equal",
    "rating": "equals any greater-or-equal",
    "archived": "equals any",
    "profile": "has",
    "properties.*": "equals any greater-than",
}


def refusal(given: Any, fields: dict[str, str], **more: Any) -> str:
    with pytest.raises(FilterError) as caught:
        accept_filter(given, fields, **more)
    return str(caught.value)


# What is refused, and what the refusal says.


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    assert refusal('equals(emial,"ann@example.com")', PROFILES) == (
        'unknown filter field "emial": did you mean email (any, equals)?'
    )


def test_the_last_part_of_a_field_suggests_the_whole_field() -> None:
    assert refusal("channel = email", CAMPAIGNS) == (
        'unknown filter field "channel": did you mean messages.channel (equals)?'
    )


def test_an_unknown_field_without_a_similar_one_is_refused_with_all_fields() -> None:
    assert refusal("zzz = 1", COUPON_CODES) == (
        'unknown filter field "zzz": there are status: =; coupon.id, profile.id: = any'
    )


def test_an_unknown_operator_is_refused_with_the_nearest_and_an_example() -> None:
    assert refusal('equls(email,"x")', PROFILES) == (
        'unknown operator "equls" at character 1; did you mean equals? For example equals(email,"ann@example.com")'
    )


def test_an_operator_that_the_field_does_not_take_is_refused_with_those_it_takes() -> None:
    assert refusal("created >= 2026-01-01", PROFILES) == (
        "created does not take greater-or-equal; it takes greater-than, less-than: "
        "for example greater-than(created,2026-01-01T00:00:00Z)"
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("created > yesterday", 'created takes an ISO 8601 date or time, not "yesterday"'),
        ("created > 1767225600", "created takes an ISO 8601 date or time, not 1767225600"),
        ("greater-than(created,[2026-01-01,2026-02-01])", "greater-than takes one value, not a list"),
        ("any(email,[null])", "email takes a value other than null, not null"),
        ("created > 2026-02-30", '"2026-02-30" is not a valid date and time at character 11'),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(given: str, says: str) -> None:
    assert says in refusal(given, PROFILES)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("archived = maybe", 'archived takes true or false, not "maybe": equals(archived,true)'),
        ("name contains true", "name takes text, not true"),
        ("name contains [a, b]", "contains takes one value, not a list"),
        ("archived in [true, false]", "archived does not take any; it takes equals"),
    ],
)
def test_a_boolean_is_no_text_and_a_text_is_no_boolean(given: str, says: str) -> None:
    assert says in refusal(given, CAMPAIGNS)


def test_a_number_field_refuses_words() -> None:
    assert refusal("rating >= good", REVIEWS) == ('rating takes a number, not "good": greater-or-equal(rating,5)')


@pytest.mark.parametrize(
    ("given", "says", "position"),
    [
        ("", "the filter is empty at character 1", 0),
        ("   ", "the filter is empty at character 4", 3),
        ('equals(email,"x"', '"(" is never closed at character 7', 6),
        ('and(equals(email,"x")', '"(" is never closed at character 4', 3),
        ('equals(email,"x"))', "one closing parenthesis too many at character 18", 17),
        ('equals(email,"x") please', 'unexpected text "please" at character 19', 18),
        ('equals(email,"x', "a quotation mark is never closed at character 14", 13),
        ('equals(email,"a"b")', 'expected ")", not "b\\")" at character 17', 16),
        ("equals(email,)", "a value is missing at character 14", 13),
        ("equals(email)", "equals(email) has no value", 0),
        ('equals("a","b","c")', "equals takes one value", 0),
        ("any(email,[])", "the list of any(email,[…]) is empty at character 1", 0),
        ('any(email,["a"', '"[" is never closed at character 11', 10),
        ("and()", "and() holds no condition", 3),
        ("email", "expected a condition", 0),
        ("email ~~ x", 'unknown operator "~~" at character 7', 6),
        ("created > 2026-01-01 created < 2026-02-01", "a value with such characters needs double quotes", 29),
        ("equals(name,Sale (old))", "(a value with such characters needs double quotes) at character 18", 17),
        ("=", 'expected a field name, not "=" at character 1', 0),
    ],
)
def test_invalid_text_is_refused_with_its_position_and_an_example(given: str, says: str, position: int) -> None:
    with pytest.raises(FilterError) as caught:
        accept_filter(given, PROFILES)
    assert says in str(caught.value)
    assert caught.value.position == position
    assert re.search(r"[.?] For example [a-z-]+\(.+\)$", str(caught.value))


def test_nesting_without_end_is_refused() -> None:
    for given in ("(" * 100_000, "and(" * 100_000, "not " * 100_000, "[" * 100_000, '{"and":[' * 50_000):
        assert "For example" in refusal(given, PROFILES)
    deep: list[Any] = ["email = x"]
    for _ in range(5_000):
        deep = [deep]
    assert "nested too deep" in refusal(deep, PROFILES)


@pytest.mark.parametrize("given", [None, 5, True, [], {}, [None], {"email": {}}, {"email": {"gt": {"x": 1}}}, [[]]])
def test_a_value_that_is_no_filter_is_refused(given: Any) -> None:
    assert "For example" in refusal(given, PROFILES)


def test_alternatives_over_several_fields_are_refused_with_advice() -> None:
    assert "one call for each alternative" in refusal('or(equals(email,"a"),equals(id,"b"))', PROFILES)


@pytest.mark.parametrize("given", ['not(equals(email,"a"))', "email != a", "NOT email = a", {"email": {"$ne": "a"}}])
def test_negation_is_refused(given: Any) -> None:
    assert "cannot negate" in refusal(given, PROFILES)


def test_a_filter_without_a_required_field_is_refused() -> None:
    assert refusal("status = Draft", CAMPAIGNS, required=("messages.channel",)) == (
        'a condition on messages.channel is needed: for example equals(messages.channel,"email")'
    )
    assert refusal("status = UNUSED", COUPON_CODES, required=("coupon.id", "profile.id")) == (
        'a condition on coupon.id or profile.id is needed: for example equals(coupon.id,"SPRING10")'
    )


def test_either_of_the_required_fields_is_enough() -> None:
    required = ("coupon.id", "profile.id")
    assert accept_filter("profile.id = 01AB", COUPON_CODES, required=required) == 'equals(profile.id,"01AB")'
    assert (
        accept_filter("coupon.id = A or coupon.id = B", COUPON_CODES, required=required) == 'any(coupon.id,["A","B"])'
    )


def test_half_a_character_is_refused() -> None:
    assert "lone surrogate" in refusal({"email": "a\ud800"}, PROFILES)
    assert "lone surrogate" in refusal(r'equals(email,"\ud800")', PROFILES)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400])
def test_infinity_and_nan_are_refused(number: float) -> None:
    refusal({"rating": {"gte": number}}, REVIEWS)


def test_refusals_are_short() -> None:
    wide = {f"a_rather_long_field_name_{n}": "any equals greater-than" for n in range(6)}
    for given in (
        "x" * 5000,
        "equals(" + "x" * 5000 + ',"y")',
        "a = " + "(" * 5000,
        {"y" * 5000: "z"},
        ["q" * 900 + " = 1"],
    ):
        assert len(refusal(given, wide).encode()) <= 500


def test_check_refuses_a_filter_that_accept_would_rewrite() -> None:
    for tree in (
        Comparison("equals", "id", "x"),
        Comparison("equals", "archived", "true"),
        Comparison("equals", "Archived", True),
        Or((Comparison("equals", "status", "a"), Comparison("equals", "status", "b"))),
        Not(Comparison("equals", "archived", True)),
    ):
        with pytest.raises(FilterError):
            check_filter(tree, CAMPAIGNS)
    check_filter(And((Comparison("any", "id", ("x",)), Comparison("equals", "archived", True))), CAMPAIGNS)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Comparison("like", "email", "x"),
        lambda: Comparison("equals", 'email,"x")', "y"),
        lambda: Comparison("equals", "", "y"),
        lambda: Comparison("equals", "email"),
        lambda: Comparison("has", "email", "x"),
        lambda: Comparison("any", "email", ()),
        lambda: Number("1e5"),
        lambda: Number("1),equals(a,2"),
        lambda: Moment("2026-13-01"),
        lambda: And(()),
    ],
)
def test_a_tree_that_would_be_rendered_malformed_is_refused(make: Any) -> None:
    with pytest.raises(FilterError):
        make()


# What is forgiven.


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("equals(email,'ann@example.com')", 'equals(email,"ann@example.com")'),
        ("equals(email,“ann@example.com”)", 'equals(email,"ann@example.com")'),
        ("equals(email,ann@example.com)", 'equals(email,"ann@example.com")'),
        ('equals("email", "ann@example.com")', 'equals(email,"ann@example.com")'),
        ('email = "ann@example.com"', 'equals(email,"ann@example.com")'),
        ("email: ann@example.com", 'equals(email,"ann@example.com")'),
        ("eq(email, ann@example.com)", 'equals(email,"ann@example.com")'),
        ("EQUALS(Email,'x')", 'equals(email,"x")'),
        ("filter=equals(email,'x')", 'equals(email,"x")'),
        ("equals(email,['x'])", 'equals(email,"x")'),
        ("equals(email,['x','y'])", 'any(email,["x","y"])'),
        ("any(email,'x','y')", 'any(email,["x","y"])'),
        ("any(email,x)", 'any(email,["x"])'),
        ("email in ('x', y)", 'any(email,["x","y"])'),
        ("email is one of [x]", 'any(email,["x"])'),
        ("email = x OR email = y", 'any(email,["x","y"])'),
        ("phone_number == +14155550123", 'equals(phone_number,"+14155550123")'),
        ("id = 007", 'equals(id,"007")'),
        ("equals(id,7)", 'equals(id,"7")'),
        ("equals(id,1.10)", 'equals(id,"1.10")'),
        ("equals(id,2026-01-01 10:00)", 'equals(id,"2026-01-01 10:00")'),
        ("equals(_kx,null)", "equals(_kx,null)"),
        ("created > 2026-01-01", "greater-than(created,2026-01-01)"),
        ("created after '2026-01-01'", "greater-than(created,2026-01-01)"),
        ("before(created,2026-01-01)", "less-than(created,2026-01-01)"),
        ('greater_than(created,"2026-01-01 10:00")', "greater-than(created,2026-01-01T10:00:00Z)"),
        ("greaterThan(created,2026-01-01T10:00:00)", "greater-than(created,2026-01-01T10:00:00Z)"),
        (
            "created is greater than 2026-01-01T10:00:00.123456+0200",
            "greater-than(created,2026-01-01T10:00:00.123456+02:00)",
        ),
        ("created<2026-01-01t10:00:00z", "less-than(created,2026-01-01T10:00:00Z)"),
        (
            "created > 2026-01-01 AND created < 2026-02-01 && email = x",
            'and(greater-than(created,2026-01-01),less-than(created,2026-02-01),equals(email,"x"))',
        ),
        ("(email = x) and (id = y)", 'and(equals(email,"x"),equals(id,"y"))'),
        ("and(email = x, and(id = y, _kx = z))", 'and(equals(email,"x"),equals(id,"y"),equals(_kx,"z"))'),
        ('and(equals(email,"x"))', 'equals(email,"x")'),
        (["email = x", "id = y"], 'and(equals(email,"x"),equals(id,"y"))'),
        (["email = x", {"id": "y"}], 'and(equals(email,"x"),equals(id,"y"))'),
        ('["email = x"]', 'equals(email,"x")'),
        ({"email": "x"}, 'equals(email,"x")'),
        ({"email": ["x", "y"]}, 'any(email,["x","y"])'),
        ('{"email": "x"}', 'equals(email,"x")'),
        ({"$or": [{"email": "x"}, {"email": "y"}]}, 'any(email,["x","y"])'),
        ({"field": "email", "operator": "eq", "value": "x"}, 'equals(email,"x")'),
        (
            {"created": {"greater-than": "2026-01-01", "$lt": "2026-02-01"}, "email": "x"},
            'and(greater-than(created,2026-01-01),less-than(created,2026-02-01),equals(email,"x"))',
        ),
        (
            "subscriptions.email.marketing.suppression.timestamp on or after 2026-01-01",
            "greater-or-equal(subscriptions.email.marketing.suppression.timestamp,2026-01-01)",
        ),
    ],
)
def test_a_near_miss_becomes_klaviyos_language(given: Any, sent: str) -> None:
    assert accept_filter(given, PROFILES) == sent


@pytest.mark.parametrize(
    ("given", "fields", "sent"),
    [
        ("id = 01AB", CAMPAIGNS, 'any(id,["01AB"])'),
        ("archived = 'False'", CAMPAIGNS, "equals(archived,false)"),
        ("messages.channel in [email]", CAMPAIGNS, 'equals(messages.channel,"email")'),
        ("name contains Bob's list", CAMPAIGNS, 'contains(name,"Bob\'s list")'),
        ("name contains 'Bob's list'", CAMPAIGNS, 'contains(name,"Bob\'s list")'),
        ("name contains Salt AND status = Draft", CAMPAIGNS, 'and(contains(name,"Salt"),equals(status,"Draft"))'),
        ("contains(name,Salt AND Pepper)", CAMPAIGNS, 'contains(name,"Salt AND Pepper")'),
        ("name contains true or false story", CAMPAIGNS, None),
        ("rating >= '4'", REVIEWS, "greater-or-equal(rating,4)"),
        ({"rating": {"gte": 4.5}}, REVIEWS, "greater-or-equal(rating,4.5)"),
        ({"rating": 1e-7}, REVIEWS, "equals(rating,0.0000001)"),
        ({"verified": True}, REVIEWS, "equals(verified,true)"),
        ("has(profile)", EVENTS, "has(profile)"),
        ("profile exists", EVENTS, "has(profile)"),
        ({"profile": {"has": True}}, EVENTS, "has(profile)"),
        ("timestamp > 1767225600", EVENTS, "greater-than(timestamp,1767225600)"),
        ("timestamp > 2026-01-01", EVENTS, "greater-than(timestamp,1767225600)"),
        ("greater-than(timestamp,2026-11-01)", EVENTS, "greater-than(timestamp,1793491200)"),
        ("timestamp > 2026-01-01T01:00:00.75+01:00", EVENTS, "greater-than(timestamp,1767225600)"),
        ('greater-than(timestamp,"2026-01-01T00:00:00")', EVENTS, "greater-than(timestamp,1767225600)"),
        ("campaign_id in [a, b]", REPORT, 'contains-any(campaign_id,["a","b"])'),
        ({"tag_id": "t"}, REPORT, 'contains-any(tag_id,["t"])'),
        ("properties['Favorite Color'] = blue", EVERYTHING, 'equals(properties["Favorite Color"],"blue")'),
        ('equals(properties["a\\"],b"],"c")', EVERYTHING, 'equals(properties["a\\"],b"],"c")'),
        ("properties.age > 40", EVERYTHING, "greater-than(properties.age,40)"),
        ("greater-than(properties.seen,'2026-01-01')", EVERYTHING, "greater-than(properties.seen,2026-01-01)"),
        ("words starts with 'Sp'", EVERYTHING, 'starts-with(words,"Sp")'),
    ],
)
def test_the_declared_fields_decide_how_a_value_is_read(given: Any, fields: dict[str, str], sent: str | None) -> None:
    if sent is None:
        refusal(given, fields)
    else:
        assert accept_filter(given, fields) == sent


def test_metric_aggregates_get_a_list_and_keep_times_of_their_own_zone() -> None:
    given = ["greater-or-equal(datetime,2026-01-01T00:00:00)", "less-than(datetime,2026-02-01)", "Campaign Name = x"]
    with pytest.raises(FilterError):
        accept_conditions(given, AGGREGATES)
    given[2] = "equals(Campaign Name,'x')"
    assert accept_conditions(given, AGGREGATES, required=("datetime",)) == [
        "greater-or-equal(datetime,2026-01-01T00:00:00)",
        "less-than(datetime,2026-02-01)",
        'equals(Campaign Name,"x")',
    ]
    assert accept_conditions("equals($attributed_flow,'x')", AGGREGATES) == ['equals($attributed_flow,"x")']


def test_fields_that_share_operators_are_described_together() -> None:
    assert describe_fields(PROFILES) == (
        "id, email, phone_number: = any; _kx: =; created, updated: < >; "
        "subscriptions.email.marketing.suppression.timestamp: < <= > >="
    )
    assert describe_fields({"a": "any equals", "b": "equals any"}) == "a, b: = any"
    assert describe_fields({}) == ""


# The examples of the page this project starts from, and Klaviyo's own.


@pytest.mark.parametrize(
    ("example", "fields"),
    [
        ('equals(email,"test@example.com")', PROFILES),
        ('equals(messages.channel,"email")', CAMPAIGNS),
        ('equals(messages.channel,"sms")', CAMPAIGNS),
        ('equals(metric_id,"ABC123")', EVENTS),
        ("greater-than(datetime,2024-01-01T00:00:00Z)", {"datetime": "greater-than"}),
        ('equals(coupon.id,"SUMMER_SALE_2024")', COUPON_CODES),
        ('contains(name,"newsletter")', CAMPAIGNS),
        ("less-than(created,2024-03-01)", PROFILES),
        ("greater-or-equal(updated,2024-01-01)", {"updated": "greater-or-equal"}),
        ('any(status,["draft","scheduled"])', CAMPAIGNS),
        (
            'and(equals(status,"active"),greater-than(created,2024-01-01))',
            {"status": "equals", "created": "greater-than"},
        ),
        ("greater-or-equal(datetime,2024-01-01)", EVENTS),
        ("less-than(datetime,2024-04-01)", EVENTS),
    ],
)
def test_the_examples_of_the_page_pass_unchanged(example: str, fields: dict[str, str]) -> None:
    assert accept_filter(example, fields) == example


def documents() -> list[Path]:
    paths = sorted((SHARED / "klaviyo").glob("openapi-*.json"))
    if not paths and not os.environ.get("CI"):
        pytest.skip("Klaviyo's OpenAPI documents are not beside this checkout")
    assert paths
    return paths


def test_every_example_in_klaviyos_document_is_accepted_by_the_fields_it_stands_with() -> None:
    seen = 0
    for document in documents():
        for methods in json.loads(document.read_text())["paths"].values():
            for operation in methods.values():
                for parameter in operation.get("parameters", []) if isinstance(operation, dict) else []:
                    allowed = re.findall(r"`([\w.]+)`: ((?:`[a-z-]+`(?:, )?)+)", parameter.get("description", ""))
                    example = parameter.get("schema", {}).get("example")
                    if parameter["name"] == "filter" and allowed and example:
                        fields = {field: operators.replace("`", "").replace(",", "") for field, operators in allowed}
                        sent = accept_filter(example, fields)
                        check_filter(parse_filter(sent), fields)
                        seen += 1
    assert seen >= 100


def test_every_filter_on_the_page_is_read() -> None:
    pages = sorted((SHARED / "seeds").glob("*.txt"))
    if not pages and not os.environ.get("CI"):
        pytest.skip("the page is not beside this checkout")
    paths = [
        example
        for page in pages
        for line in page.read_text().splitlines()
        for example in re.findall(
            r"(?:filter=|')((?:and|any|equals|contains|(?:greater|less)-[a-z-]+)\(.*?\)+)(?=['&\s).]|$)", line
        )
        if "..." not in example
    ]
    assert len(paths) >= 15
    for example in paths:
        assert render_filter(parse_filter(example)) == example


# Properties.

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
hostile = st.lists(
    st.sampled_from(
        [
            *"\"'\\(),[]{}=<>:.\u201c\u201d\u2018\u2019` \n\t",
            "and",
            "or",
            "not",
            "equals(",
            "any",
            "email",
            "2026-01-01",
            "x",
            "é",
            "1",
        ]
    ),
    max_size=25,
).map("".join)
names = st.from_regex(r"[A-Za-z_$][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "$")
fields = st.one_of(
    names,
    st.builds(lambda a, b: f"{a}.{b}", names, names),
    st.builds(lambda a, b: f"{a} {b}", names, names),
    st.builds(lambda a, b: f"{a}[{json.dumps(b, ensure_ascii=False)}]", names, texts),
)
numbers = st.decimals(allow_nan=False, allow_infinity=False, places=2).map(lambda d: Number(format(abs(d), "f")))
moments = st.datetimes().map(lambda d: Moment(d.replace(microsecond=0).isoformat() + "Z")) | st.dates().map(
    lambda d: Moment(d.isoformat())
)
scalars = st.one_of(texts, hostile, st.booleans(), st.none(), numbers, moments)
comparisons = st.one_of(
    st.builds(Comparison, st.sampled_from(["equals", "contains", "greater-than", "ends-with"]), fields, scalars),
    st.builds(
        Comparison,
        st.sampled_from(["any", "contains-any", "contains-all"]),
        fields,
        st.lists(scalars, min_size=1, max_size=4).map(tuple),
    ),
    st.builds(Comparison, st.just("has"), fields, st.just(ABSENT)),
)
trees: st.SearchStrategy[Filter] = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(tuple(parts))),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
plain: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), hostile, st.text()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*EVERYTHING, "and", "or", "not", "gt", "eq", "has", "in"]) | hostile, inner, max_size=3
        )
    ),
    max_leaves=8,
)


@for_all(trees)
def test_a_rendered_filter_is_read_back_as_the_same_tree(tree: Filter) -> None:
    assert parse_filter(render_filter(tree)) == tree


@for_all(hostile | st.text())
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    try:
        tree = parse_filter(text)
    except FilterError:
        return
    assert parse_filter(render_filter(tree)) == tree


@for_all(plain | trees.map(render_filter))
def test_every_accepted_filter_is_canonical_and_checked(given: Any) -> None:
    try:
        sent = accept_filter(given, EVERYTHING)
    except FilterError:
        return
    check_filter(parse_filter(sent), EVERYTHING)
    assert render_filter(parse_filter(sent)) == sent
    assert accept_filter(sent, EVERYTHING) == sent


@for_all(texts | hostile)
def test_no_value_escapes_its_quotes(value: str) -> None:
    quoted = json.dumps(value, ensure_ascii=False)
    for given in ({"words": value}, {"words": {"contains": value}}, f"equals(words,{quoted})", f"words = {quoted}"):
        tree = parse_filter(accept_filter(given, EVERYTHING))
        assert isinstance(tree, Comparison)
        assert (tree.field, tree.value) == ("words", value)
    assert parse_filter(accept_filter({"words": [value, "y"]}, EVERYTHING)) == Comparison("any", "words", (value, "y"))


@for_all(st.lists(st.builds(Comparison, st.just("equals"), names, scalars), min_size=1, max_size=5))
def test_no_condition_is_lost(parts: list[Comparison]) -> None:
    open_to_all = {"*": "equals"}
    written = [render_filter(part) for part in parts]
    for given in (written, ",".join(written), " AND ".join(written), f"and({','.join(written)})"):
        sent = accept_conditions(given, open_to_all)
        assert [parse_filter(one) for one in sent] == parts


def test_a_reason_of_suppression_is_spelled_as_klaviyo_does() -> None:
    field = "subscriptions.email.marketing.suppression.reason"
    for given in ("hard_bounce", "Hard Bounce", "HARD_BOUNCE"):
        assert accept_filter(f'equals({field},"{given}")', {field: "equals"}) == f'equals({field},"HARD_BOUNCE")'
    assert accept_filter(f'equals({field},"new one")', {field: "equals"}) == f'equals({field},"new one")'
