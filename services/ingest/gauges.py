"""The account's state as gauges: read out of the record, so that every task shows the same, also after a restart."""

import asyncio
from collections.abc import Callable, Mapping

from shared.observability.metrics import Metrics
from shared.policy.account import USABLE
from shared.record.accounts import Accounts
from shared.store.port import ContendedError, Item, StoreUnavailableError

PERIOD_S = 60.0  # account events are hours apart; a dashboard may be a minute late
QUALITY_WHAT = "phone_number_quality_update"
STATUS_WHAT = "message_template_status_update"


class AccountGauges:
    """Keeps number_quality and template_state up to date.

    Args:
        numbers: pnid -> how the number is called where it is configured; a label is never the number itself.
        failed: told of a read that failed; the next one comes in a minute.
    """

    def __init__(
        self,
        accounts: Accounts,
        metrics: Metrics,
        numbers: Mapping[str, str],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._accounts = accounts
        self._metrics = metrics
        self._numbers = numbers
        self._failed = failed

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`."""
        while not stop.is_set():
            try:
                self.show(await self._accounts.listed())
            except (ContendedError, StoreUnavailableError) as error:
                self._failed("account", error)
            try:
                async with asyncio.timeout(PERIOD_S):
                    await stop.wait()
            except TimeoutError:
                continue

    def show(self, listed: list[Item]) -> None:
        """Set the gauges; a number nobody has spoken of reads 0."""
        worth = {
            item["subject"]: item["facts"].get("quality") for item in listed if item["what"] == QUALITY_WHAT
        }
        for pnid, name in self._numbers.items():
            self._metrics.number_quality.labels(name).set(worth.get(pnid) or 0)
        for item in listed:
            if item["what"] == STATUS_WHAT:
                facts = item["facts"]
                name = f"{facts.get('name', '')}:{facts.get('language', '')}"
                self._metrics.template_state.labels(name).set(int(facts.get("status") in USABLE))
