import json
from pathlib import Path

import pytest

from bench.consumers.handler import parsed, recorded, recorder
from bench.envelopes import envelope, taskiq_envelope
from services.ingest.archive import arrived
from shared.queue.port import Message
from shared.whatsapp.item import MessageItem
from shared.whatsapp.items import items


def test_an_envelope_has_the_size_of_the_text() -> None:
    assert 1150 <= len(envelope(7).encode()) <= 1400


@pytest.mark.parametrize("number", [0, 7, 19_999])
def test_the_handler_reads_the_number_through_both_layers(number: int) -> None:
    assert parsed(envelope(number)) == number
    assert parsed(json.loads(taskiq_envelope(number))["args"][0]) == number


def test_our_own_models_know_the_envelope_too() -> None:
    found = arrived(Message("1", envelope(7), "r", 1, 1), "ingest").envelope
    assert found is not None
    (item,) = items(found)
    assert isinstance(item, MessageItem)


def test_what_is_handled_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "record"
    monkeypatch.setenv("BENCH_RECORD", str(record))
    handle = recorder()
    for number in (3, 1, 3):
        handle(envelope(number))
    record.write_bytes(record.read_bytes() + b"\1\2")  # a consumer killed in a write
    assert recorded(str(record)) == [3, 1, 3]
