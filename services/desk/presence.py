"""Who has a live connection to this task, as two gauges."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Presence:
    """Counts connections and the agents behind them.

    Args:
        clients, agents: told the new figure at each change.
    """

    def __init__(self, clients: Callable[[float], None], agents: Callable[[float], None]) -> None:
        self._clients = clients
        self._agents = agents
        self._open: Counter[str] = Counter()

    @contextmanager
    def connected(self, agent_id: str) -> Iterator[None]:
        """One connection, while it is entered."""
        self._open[agent_id] += 1
        self._tell()
        try:
            yield
        finally:
            self._open[agent_id] -= 1
            self._open += Counter()  # drops those at zero
            self._tell()

    def _tell(self) -> None:
        self._clients(self._open.total())
        self._agents(len(self._open))
