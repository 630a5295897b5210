"""CPU seconds and memory of other processes, read from the kernel through psutil."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import psutil

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and its children have used: CPU seconds (user + system) and resident bytes."""

    cpu_s: float
    rss: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Read now. What has ended in between counts as nothing, and shows as too little work done."""
        cpu, rss = 0.0, 0
        for process in _family(pid):
            try:
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.Error:
                continue
            cpu += times.user + times.system + times.children_user + times.children_system
            rss += memory.rss
        return cls(cpu, rss)


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def usages(pids: Mapping[str, int]) -> dict[str, Usage]:
    """Of several processes, by name."""
    return {name: Usage.of(pid) for name, pid in pids.items()}


def spent(before: Mapping[str, Usage], after: Mapping[str, Usage]) -> dict[str, float]:
    """CPU seconds between two readings, by name."""
    return {name: after[name].cpu_s - usage.cpu_s for name, usage in before.items() if name in after}


def load() -> float:
    """The machine's load average over one minute."""
    return os.getloadavg()[0]


def machine() -> dict[str, int]:
    """What the figures were taken on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
    }
