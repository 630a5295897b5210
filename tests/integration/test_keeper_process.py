"""The keeper process on real engines: what was archived and never taken is taken, holds and retention by `cdmx`, drain."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.provision import Provisioned, clients
from shared.ids import received_id
from tests.integration.running import cdmx, environment, running, until
from tests.unit.ingest.desk import ana, change, envelope, said
from tests.unit.record.world import PNID

pytestmark = pytest.mark.engines
STAGES = ("ids", "messages", "documents", "routed", "deliveries")


def missing(env: dict[str, str], since: str) -> dict[str, int]:
    """What is missing by hand, once something is."""
    done = cdmx(env, "reconcile", "--since", since, "--json")
    found: dict[str, int] = json.loads(done.stdout)
    assert done.returncode == int(any(found.values())), done.stderr
    return found if any(found.values()) else {}


def test_what_was_archived_and_never_taken_is_taken_within_a_minute(
    ministack: str, opensearch: str, provisioned: Provisioned, tmp_path: Path
) -> None:
    aws = clients(ministack)
    dynamo, s3 = aws("dynamodb"), aws("s3")
    env, log = environment(ministack, provisioned, CDMX_OPENSEARCH_URL=opensearch), tmp_path / "keeper.log"

    def item(table: str, pk: str, sk: str = "-") -> Any:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        return dynamo.get_item(TableName=provisioned.naming.name(table), Key=key).get("Item")

    with running("services.ingest.keeper", env, log):
        until(lambda: item("config", "reconcile", "fresh"), 60)
        now = datetime.now(UTC)
        at = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        message = said("wamid.1", ts=int(now.timestamp()))
        body = envelope(change(contacts=ana(), messages=[message]), at=at)
        key = f"raw/eum/{now:%Y/%m/%d/%H%M}/{now.second // 10}0/lost.json"
        bucket = provisioned.naming.bucket("raw", provisioned.account)
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
        known = until(lambda: item("ids", received_id(PNID, "wamid.1")), 60)
        assert int(item("leases", "keeper")["until_ms"]["N"]) > 0
        done = cdmx(env, "hold", "place", known["conversation_id"]["S"], "--ref", "JUZGADO-7/2026")
        assert done.returncode == 0, done.stderr
        listed = json.loads(cdmx(env, "hold", "list", "--json").stdout)
        assert [each["subject"] for each in listed] == [known["conversation_id"]["S"]]
        assert cdmx(env, "retention", "set", "messages", "180").returncode == 0
        assert "messages 180 días" in cdmx(env, "retention", "show").stdout
        assert cdmx(env, "retention", "set", "messages", "30").returncode == 2
    assert item("leases", "keeper")["until_ms"]["N"] == "0"
    since = f"{now - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
    lacking = until(lambda: missing(env, since), 90)  # what is younger than half a minute is not looked at
    assert tuple(lacking) == STAGES
    assert (lacking["ids"], lacking["messages"], lacking["documents"]) == (0, 0, 1)
    for secret in ("wamid.", "5215512345678", "hola"):
        assert not re.search(secret, log.read_text())
