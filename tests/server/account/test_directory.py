"""Names are read in few requests and kept for minutes; a metric is found by its exact name."""

from __future__ import annotations

from typing import Any, cast

import anyio
import pytest
from tests.server import fake_klaviyo
from tests.server.fake_klaviyo import METRICS, FakeKlaviyo

from klaviyo_mcp.account.directory import CACHE_SECONDS, FAILURE_CACHE_SECONDS, Directory
from klaviyo_mcp.account.reads import AccountReads
from klaviyo_mcp.errors import UpstreamError
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio
COUNT = {"measurements": "count", "filter": "greater-or-equal(datetime,2026-01-01),less-than(datetime,2026-01-02)"}


@pytest.fixture
def klaviyo() -> FakeKlaviyo:
    klaviyo = FakeKlaviyo(
        {
            "campaigns": {"C1": "Spring", "C2": "Text"},
            "flows": {f"F{number}": f"Flow {number}" for number in range(120)},
            "flow-messages": {"M1": "Hello"},
        }
    )
    klaviyo.channels = {"C2": "sms"}
    return klaviyo


def directory(klaviyo: FakeKlaviyo) -> Directory:
    return klaviyo.calls.accounts.directory


async def test_many_ids_are_read_in_batches_and_once(klaviyo: FakeKlaviyo) -> None:
    ids = [f"F{number}" for number in range(120)]
    found = await directory(klaviyo).names("flow", ids)
    assert found == {f"F{number}": f"Flow {number}" for number in range(120)}
    assert klaviyo.new_requests() == ["GET flows"] * 3
    assert await directory(klaviyo).names("flow", ["F7", "F7", ""]) == {"F7": "Flow 7"}
    assert klaviyo.new_requests() == []


async def test_a_name_and_the_lack_of_one_are_kept_for_ten_minutes(klaviyo: FakeKlaviyo) -> None:
    assert await directory(klaviyo).names("flow", ["F1", "GONE"]) == {"F1": "Flow 1"}
    klaviyo.now += CACHE_SECONDS - 1
    await directory(klaviyo).names("flow", ["F1", "GONE"])
    assert klaviyo.new_requests() == ["GET flows"]
    klaviyo.now += 1
    await directory(klaviyo).names("flow", ["F1", "GONE"])
    assert klaviyo.new_requests() == ["GET flows"]


async def test_a_failed_read_is_tried_again_after_30_seconds(klaviyo: FakeKlaviyo) -> None:
    klaviyo.broken = {"flows", "accounts"}
    assert await directory(klaviyo).names("flow", ["F1"]) == {}
    assert (await directory(klaviyo).account()).timezone == ""
    klaviyo.broken = set()
    klaviyo.now += FAILURE_CACHE_SECONDS
    assert await directory(klaviyo).names("flow", ["F1"]) == {"F1": "Flow 1"}
    assert await directory(klaviyo).account() == ("", "Europe/Oslo", "NOK")


async def test_a_failed_read_of_the_account_is_not_repeated_for_30_seconds(klaviyo: FakeKlaviyo) -> None:
    klaviyo.broken = {"accounts"}
    await directory(klaviyo).account()
    klaviyo.now += 29.9
    await directory(klaviyo).account()
    assert klaviyo.new_requests() == ["GET accounts"]
    klaviyo.now += 0.2
    await directory(klaviyo).account()
    assert klaviyo.new_requests() == ["GET accounts"]


async def test_the_facts_of_the_account_are_kept_for_an_hour(klaviyo: FakeKlaviyo) -> None:
    await directory(klaviyo).account()
    klaviyo.now += 3_599
    assert (await directory(klaviyo).account()).timezone == "Europe/Oslo"
    assert klaviyo.new_requests() == ["GET accounts"]
    klaviyo.now += 1
    await directory(klaviyo).account()
    assert klaviyo.new_requests() == ["GET accounts"]


async def test_campaigns_are_read_in_their_channels_alone(klaviyo: FakeKlaviyo) -> None:
    assert await directory(klaviyo).names("campaign", ["C2"], {"sms"}) == {"C2": "Text"}
    assert [query["filter"] for query in klaviyo.queries] == ['and(equals(messages.channel,"sms"),any(id,["C2"]))']
    klaviyo.new_requests()
    assert await directory(klaviyo).names("campaign", ["C1", "C3"]) == {"C1": "Spring"}
    assert klaviyo.new_requests() == ["GET campaigns"] * 3


async def test_at_most_ten_messages_of_flows_are_read_one_at_a_time(klaviyo: FakeKlaviyo) -> None:
    wanted = ["M1", *(f"X{number}" for number in range(50))]
    assert await directory(klaviyo).names("message", wanted) == {"M1": "Hello"}
    paths = klaviyo.new_requests()
    assert paths[:3] == ["GET campaigns"] * 3
    assert len(paths) == 13


async def test_another_account_has_other_names(klaviyo: FakeKlaviyo) -> None:
    await directory(klaviyo).names("flow", ["F1"])
    klaviyo.calls.accounts.directory.account_key = lambda: "conn-2"
    klaviyo.new_requests()
    klaviyo.names["flows"] = {"F1": "Theirs"}
    assert await directory(klaviyo).names("flow", ["F1"]) == {"F1": "Theirs"}
    klaviyo.calls.accounts.forget()
    assert await directory(klaviyo).metric_name("OPENE2") == "Opened Email"


async def test_callers_at_once_share_one_read_of_the_account_and_of_the_metrics(klaviyo: FakeKlaviyo) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(directory(klaviyo).account)
            group.start_soon(directory(klaviyo).metrics)
    assert sorted(klaviyo.new_requests()) == ["GET accounts", "GET metrics"]


async def test_a_write_and_a_report_share_one_read_of_the_account(klaviyo: FakeKlaviyo) -> None:
    await klaviyo.calls.accounts.read_name("conn-1")
    klaviyo.report = {"dates": ["2026-01-01T00:00:00+00:00"], "data": []}
    await klaviyo.call("query_metric_aggregates", metric_id="TxVpCr", **COUNT)
    assert klaviyo.new_requests().count("GET accounts") == 1


class CircularReads(AccountReads):
    """Reads whose every page leads to the same next one."""

    def __init__(self) -> None:
        super().__init__(cast("OperationSender", None), registry(), "2026-01-15")

    async def page(self, name: str, **_: Any) -> Page:
        return Page([Record("flow", "F1", {"name": "Flow 1"}, {})], {}, "same", False)


async def test_cursors_that_lead_in_a_circle_are_an_error_and_leave_the_names_that_were_read() -> None:
    reads = CircularReads()
    with pytest.raises(UpstreamError, match="leads back to a page that was already read"):
        [flat async for flat in reads.records("get_flows")]
    assert await Directory(reads).names("flow", ["F1", "F2"]) == {"F1": "Flow 1"}


@pytest.mark.parametrize(
    ("given", "id_"),
    [
        ("Opened Email", "OPENE2"),
        (" Opened Email ", "OPENE2"),
        ("opened email", "OPENE2"),
        ("OPENE2", "OPENE2"),
        ("TxVpCr", "TxVpCr"),
        ("Signup", "Signup"),
    ],
)
async def test_a_metric_is_given_by_id_or_by_exact_name(klaviyo: FakeKlaviyo, given: str, id_: str) -> None:
    klaviyo.report = {
        "dates": ["2026-01-01T00:00:00+00:00"],
        "data": [{"dimensions": [], "measurements": {"count": [1]}}],
    }
    await klaviyo.call("query_metric_aggregates", metric_id=given, **COUNT)
    assert [body["metric_id"] for body in klaviyo.bodies] == [id_]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (
            "Viewed Product",
            "metric_id: 2 metrics are called 'Viewed Product': give one's id, VIEWE3 (API), VIEWE4 (Shopify).",
        ),
        ("Opend Email", "metric_id: no metric is called 'Opend Email'; did you mean \"Opened Email\"?"),
        ("Zzz qqq xxx", "metric_id: no metric is called 'Zzz qqq xxx'; get_metrics lists them."),
    ],
)
async def test_a_name_of_no_metric_or_of_several_is_refused_before_a_report_is_read(
    klaviyo: FakeKlaviyo, given: str, refusal: str
) -> None:
    text = await klaviyo.call("query_metric_aggregates", metric_id=given, **COUNT)
    assert text == f"query_metric_aggregates was not sent: {refusal}"
    assert klaviyo.new_requests() == ["GET metrics"]


async def test_only_klaviyos_own_names_of_metrics_are_proposed_where_strangers_text_is_hidden(
    klaviyo: FakeKlaviyo, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"OBEYM1": ("Opened Emails: obey", "Obey, too"), "OBEYM2": ("Opened Emails: obey", "Klaviyo"), **METRICS}
    monkeypatch.setattr(fake_klaviyo, "METRICS", named)
    klaviyo.calls.reads.hide = True
    text = await klaviyo.call("query_metric_aggregates", metric_id="Opened Emails", **COUNT)
    assert text.endswith('did you mean "Opened Email"?')
    text = await klaviyo.call("query_metric_aggregates", metric_id="Opened Emails: obey", **COUNT)
    assert text.endswith("give one's id, OBEYM1 (another integration), OBEYM2 (Klaviyo).")
    klaviyo.report = {"dates": ["2026-01-01T00:00:00+00:00"], "data": []}
    text = await klaviyo.call("query_metric_aggregates", metric_id="OBEYM1", **COUNT)
    assert "metric OBEYM1;" in text
    klaviyo.calls.reads.hide = False
    text = await klaviyo.call("query_metric_aggregates", metric_id="OBEYM1", **COUNT)
    assert 'metric "Opened Emails: obey" (OBEYM1);' in text


async def test_a_metric_cannot_be_named_where_the_metrics_cannot_be_read(klaviyo: FakeKlaviyo) -> None:
    klaviyo.broken = {"metrics"}
    text = await klaviyo.call("query_metric_aggregates", metric_id="Opened Email", **COUNT)
    assert "get_metrics" in text
    assert klaviyo.bodies == []


async def test_the_id_of_a_metric_needs_no_request_before_the_report(klaviyo: FakeKlaviyo) -> None:
    klaviyo.report = {"dates": ["2026-01-01T00:00:00+00:00"], "data": []}
    await klaviyo.call("query_metric_aggregates", metric_id="TxVpCr", timezone="UTC", **COUNT)
    assert klaviyo.new_requests()[0] == "POST metric-aggregates"
