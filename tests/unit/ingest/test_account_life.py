"""The life of our account: facts for the guard, alerts for people, gauges for dashboards."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from services.ingest import alarms
from services.ingest.gauges import AccountGauges
from shared.events.model import AlertRaisedEvent
from shared.policy import account as policy
from shared.policy.state import breaker_pk, number_pk, opted_out, optin_pk, optout_pk
from shared.store.port import Item, StoreUnavailableError, Update
from shared.whatsapp.account import VALUES
from tests.unit.ingest.desk import ANA, WABA, Desk, ana, change, desk, envelope, said, went
from tests.unit.record.world import NOON_MS, PNID, person

NOW = NOON_MS // 1000


async def told(field: str, value: dict[str, Any], d: Desk | None = None, at: str = "08:00:00") -> Desk:
    d = d or desk()
    await d.receive(envelope({"field": field, "value": value}, at=f"2027-01-15T{at}Z"))
    return d


def alerts(d: Desk) -> list[tuple[str, str]]:
    raised = [each for each in d.bus.events if isinstance(each, AlertRaisedEvent)]
    assert all(each.data.runbook == f"docs/runbooks/{each.data.name}.md" for each in raised)
    return [(each.data.name, each.data.severity) for each in raised]


async def policy_of(d: Desk, pk: str) -> Item:
    return await d.world.store.get("policy", pk) or {}


TEMPLATE = {"message_template_name": "aviso", "message_template_language": "es_MX"}


@pytest.mark.parametrize(
    ("field", "value", "alert"),
    [
        ("phone_number_quality_update", {"event": "FLAGGED"}, ("number_quality_low", "page")),
        ("phone_number_quality_update", {"event": "DOWNGRADE"}, ("number_limit_lowered", "warn")),
        ("phone_number_quality_update", {"event": "UPGRADE"}, None),
        ("phone_number_name_update", {"decision": "REJECTED"}, ("display_name", "warn")),
        ("phone_number_name_update", {"decision": "APPROVED"}, None),
        ("security", {"event": "PIN_CHANGED"}, ("number_security", "page")),
        ("account_alerts", {"alert_severity": "CRITICAL"}, ("meta_alert", "page")),
        ("account_alerts", {"alert_info": {"alert_severity": "INFORMATIONAL"}}, ("meta_alert", "warn")),
        ("account_alerts", {"alert_status": "NONE", "alert_severity": "CRITICAL"}, None),
        ("account_review_update", {"decision": "REJECTED"}, ("account_review", "page")),
        ("account_review_update", {"decision": "APPROVED"}, None),
        ("account_update", {"event": "ACCOUNT_VIOLATION"}, ("account_violation", "page")),
        ("account_update", {"event": "ACCOUNT_OFFBOARDED"}, ("account_offboarded", "page")),
        ("account_update", {"event": "PARTNER_ADDED"}, None),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}},
            ("account_ban_changed", "page"),
        ),
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": ["DISABLE"]}},
            ("account_blocked", "page"),
        ),
        ("account_update", {"event": "ACCOUNT_DELETED"}, ("account_blocked", "page")),
        (
            "account_update",
            {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": policy.NO_TEMPLATES}]},
            ("account_restricted", "warn"),
        ),
        (
            "account_update",
            {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": policy.NO_REPLIES}]},
            ("replies_restricted", "page"),
        ),
        ("account_update", {"event": "ACCOUNT_RESTRICTION"}, ("account_restricted", "page")),
        ("message_template_status_update", {**TEMPLATE, "event": "PAUSED"}, ("template_paused", "warn")),
        ("message_template_status_update", {**TEMPLATE, "event": "APPROVED"}, None),
        (
            "message_template_quality_update",
            {**TEMPLATE, "new_quality_score": "RED"},
            ("template_quality_low", "warn"),
        ),
        (
            "template_category_update",
            {**TEMPLATE, "previous_category": "UTILITY", "new_category": "MARKETING"},
            ("template_category_changed", "warn"),
        ),
        (
            "business_capability_update",
            {"max_daily_conversations_per_business": 0},
            ("messaging_limit_zero", "page"),
        ),
        ("business_capability_update", {"max_daily_conversations_per_business": -1}, None),
        ("flows", {"event": "FLOW_STATUS_CHANGE", "new_status": "THROTTLED"}, ("flow_unhealthy", "warn")),
        ("messages", {"errors": [{"code": 131000}]}, ("meta_error", "warn")),
        ("messages", {"errors": [{"code": 131000}, {"code": 131005}]}, ("sends_not_permitted", "page")),
    ],
)
async def test_who_must_look_and_how_soon(
    field: str, value: dict[str, Any], alert: tuple[str, str] | None
) -> None:
    d = await told(field, value)
    assert alerts(d) == ([alert] if alert else [])
    first = {each.id for each in d.bus.events}
    await told(field, value, d)
    assert {each.id for each in d.bus.events} == first


def test_every_alert_has_its_runbook() -> None:
    source = Path(alarms.__file__).read_text("utf-8")
    names = set(re.findall(r'Alarm\("(\w+)"', source))
    books = Path(__file__).parents[3] / "docs" / "runbooks"
    assert {name for name in names if not (books / f"{name}.md").exists()} == set()
    assert len(names) > 20


def test_every_field_whose_value_is_a_fact_has_been_thought_of() -> None:
    quiet = {"partner_solutions"}
    judged = {name for name, kind in VALUES.items() if kind in alarms._JUDGES}
    assert set(VALUES) - judged == quiet


async def test_a_ban_and_a_restricted_reply_stop_all_sends_until_a_person_has_looked() -> None:
    banned = {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}
    d = await told("account_update", banned)
    assert (await policy_of(d, breaker_pk(WABA)))["open"] is True
    closed = {"open": False, "closed_at": NOON_MS + 10**9}
    await d.world.store.write(Update("policy", breaker_pk(WABA), "-", set=closed))
    await told("account_update", banned, d)
    assert (await policy_of(d, breaker_pk(WABA)))["open"] is False


async def test_a_restriction_is_there_for_the_guard_until_it_ends() -> None:
    until = NOW + 3600
    restricted = {"restriction_type": policy.NO_TEMPLATES, "expiration": str(until)}
    d = await told("account_update", {"event": "ACCOUNT_RESTRICTION", "restriction_info": [restricted]})
    item = await policy_of(d, policy.account_pk(WABA))
    assert policy.templates_restricted(item, until * 1000 - 1)
    assert not policy.templates_restricted(item, until * 1000)
    assert not policy.templates_restricted(None, 0)
    assert await policy_of(d, breaker_pk(WABA)) == {}


@pytest.mark.parametrize(
    ("event", "usable"),
    [("APPROVED", True), ("FLAGGED", True), ("PAUSED", False), ("REJECTED", False), ("DISABLED", False)],
)
async def test_a_templates_state_is_there_for_the_guard(event: str, usable: bool) -> None:  # noqa: FBT001 - a case's outcome
    d = await told("message_template_status_update", {**TEMPLATE, "event": event})
    item = await policy_of(d, policy.template_pk(WABA, "aviso", "es_MX"))
    assert policy.template_usable(item) is usable
    assert policy.template_usable(None)


async def optout(d: Desk) -> Item | None:
    contact = await d.world.record.people.find(person(ANA))
    assert contact is not None
    return await d.world.store.get("policy", optout_pk(contact))


def preference(value: str, ts: int = NOW) -> dict[str, Any]:
    row = {"wa_id": ANA, "category": "marketing_messages", "value": value, "timestamp": ts}
    return change("user_preferences", contacts=ana(), user_preferences=[row])


async def test_who_stops_and_resumes_marketing_is_believed_in_the_order_of_their_words() -> None:
    for order in (("stop", "resume"), ("resume", "stop")):
        d = desk()
        for n, word in enumerate(order):
            await d.receive(envelope(preference(word, NOW + n)))
        assert opted_out(await optout(d)) == ("" if order[1] == "resume" else "marketing")


async def test_the_desks_word_on_everything_outlives_metas_on_marketing() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")])))
    contact = await d.world.record.people.find(person(ANA))
    assert contact is not None
    await d.world.store.write(Update("policy", optout_pk(contact), "-", set={"opted_out": "all"}))
    for word in ("stop", "resume"):
        await d.receive(envelope(preference(word)))
        assert opted_out(await optout(d)) == "all"
    failed = went("failed", errors=[{"code": 131050, "title": "t"}])
    await d.receive(envelope(change(contacts=ana(), statuses=[failed])))
    assert opted_out(await optout(d)) == "all"


async def test_a_signup_is_an_opt_in_with_its_time() -> None:
    d = desk()
    await d.receive(envelope(preference("signup")))
    contact = await d.world.record.people.find(person(ANA))
    assert contact is not None
    assert await policy_of(d, optin_pk(contact)) | {"rev": 1} == {
        "pk": optin_pk(contact),
        "sk": "-",
        "opted_in": "marketing",
        "ts": NOW,
        "at_user_preferences": (await d.world.store.query("policy", optin_pk(contact))).items[1]["sk"],
        "rev": 1,
    }


async def test_the_phones_address_book_names_people_under_their_own_key() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana("Anita"), messages=[said("wamid.1")])))
    row = {"type": "contact", "contact": {"full_name": "Ana Pérez", "phone_number": "525512345678"}}
    for action in ("add", "remove"):
        await d.receive(envelope(change("smb_app_state_sync", state_sync=[{**row, "action": action}])))
    contact = await d.world.record.people.find(person(ANA))
    assert contact is not None
    found = await d.world.record.reader.contact(contact)
    assert found is not None
    assert (found[1]["saved_name"], found[1]["name"]) == ("Ana Pérez", "Anita")
    kept = (await d.world.store.query("policy", f"CONTACT#{contact}")).items
    assert {item["key_id"] for item in kept if "key_id" in item} == {contact}
    assert "Ana" not in repr(await d.world.items("policy"))


async def test_a_changed_user_id_joins_its_two_ids() -> None:
    d = desk()
    row = {"wa_id": ANA, "user_id": {"previous": "MX.1", "current": "MX.2"}, "timestamp": str(NOW)}
    await d.receive(envelope(change("user_id_update", user_id_update=[row])))
    contacts = [item for item in await d.world.items("contacts") if item["sk"] == "-"]
    assert len(contacts) == 1
    assert len(await d.world.items("aliases")) == 4


async def test_a_failing_send_that_concerns_everybody_is_told_once_a_day() -> None:
    d = desk()
    for n, code in enumerate((131042, 131042, 131026)):
        failed = went("failed", f"wamid.{n}", errors=[{"code": code, "title": "t"}])
        await d.receive(envelope(change(contacts=ana(), statuses=[failed])))
    assert set(alerts(d)) == {("payment_problem", "page")}
    assert len({each.id for each in d.bus.events if isinstance(each, AlertRaisedEvent)}) == 1


async def test_what_is_now_is_listed_and_shown_as_gauges() -> None:
    d = await told("phone_number_quality_update", {"event": "FLAGGED", "current_limit": "TIER_1K"})
    await told("message_template_status_update", {**TEMPLATE, "event": "APPROVED"}, d)
    other = {**TEMPLATE, "message_template_name": "otro", "event": "PAUSED"}
    await told("message_template_status_update", other, d)
    listed = await d.ingest.accounts.listed()
    assert [(item["key"], item["state"], item["alarm"]) for item in listed] == [
        (number_pk(PNID), "FLAGGED", "number_quality_low"),
        (policy.template_pk(WABA, "aviso", "es_MX"), "APPROVED", ""),
        (policy.template_pk(WABA, "otro", "es_MX"), "PAUSED", "template_paused"),
    ]
    gauges = AccountGauges(d.ingest.accounts, d.metrics, {PNID: "mesa", "9": "otra"}, lambda *_: None)
    gauges.show(listed)
    value = d.metrics.registry.get_sample_value
    assert value("cdmx_number_quality", {"number": "mesa"}) == 1
    assert value("cdmx_number_quality", {"number": "otra"}) == 0
    assert value("cdmx_template_state", {"template": "aviso:es_MX"}) == 1
    assert value("cdmx_template_state", {"template": "otro:es_MX"}) == 0


async def test_an_older_event_does_not_undo_what_is_listed() -> None:
    d = await told("phone_number_quality_update", {"event": "FLAGGED"}, at="09:00:00")
    body = {"event": "UNFLAGGED"}
    await told("phone_number_quality_update", body, d, at="08:00:00")
    (item,) = await d.ingest.accounts.listed()
    assert item["state"] == "FLAGGED"
    kept = await d.ingest.accounts.get(item["item_id"])
    assert kept is not None
    assert item["item_id"].startswith("a_")


async def test_gauges_outlive_a_store_that_does_not_answer() -> None:
    d, troubles, stop = desk(), list[str](), asyncio.Event()

    class Broken:
        async def listed(self) -> list[Item]:
            stop.set()
            raise StoreUnavailableError

    gauges = AccountGauges(Broken(), d.metrics, {}, lambda what, _: troubles.append(what))  # type: ignore[arg-type] # as far as it is used
    await gauges.run(stop)
    assert troubles == ["account"]
