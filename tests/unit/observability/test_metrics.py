"""The registry: CONTRACTS s.10 word for word, nothing before its use, nothing global."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from shared.observability.metrics import Declared, Metrics, declared

CONTRACT = """queue_messages_received_total queue_messages_handled_total queue_in_flight queue_message_age_seconds
queue_handle_seconds queue_dlq_total queue_depth queue_oldest_seconds breaker_open ledger_gap_messages
late_messages_total conflicts_total unknown_total delivery_seconds forward_seconds media_ready_seconds
media_outcomes_total search_seconds search_visible_seconds download_seconds sends_total send_refused_total
violations_total days_since_violation window_lapsed_unanswered_total number_quality template_state canary_seconds
canary_failures_total cost_usd cost_forecast_usd agents_online live_clients"""


def test_the_contract_and_the_one_defence_of_ours() -> None:
    assert set(declared()) == {f"cdmx_{name}" for name in CONTRACT.split()} | {"cdmx_log_redactions_total"}


def test_every_metric_can_be_made_and_is_exported_under_its_name() -> None:
    metrics = Metrics(CollectorRegistry())
    for name, labels in declared().items():
        metric = getattr(metrics, name.removeprefix("cdmx_"))
        if labels:
            metric.labels(*("x" for _ in labels))
    text = generate_latest(metrics.registry).decode()
    for name in declared():
        assert f"# HELP {name} " in text


def test_what_is_not_used_is_not_exported() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.late_messages_total.inc()
    text = generate_latest(metrics.registry).decode()
    assert "cdmx_late_messages_total 1.0" in text
    assert "days_since_violation" not in text


def test_two_processes_in_one_share_nothing() -> None:
    one, other = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.conflicts_total.inc()
    other.conflicts_total.inc(5)
    assert "cdmx_conflicts_total 1.0" in generate_latest(one.registry).decode()


def test_a_label_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(ValueError, match="phone"):
        Declared(lambda _name, _registry: None, ("phone",))
