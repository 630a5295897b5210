"""One picture of the rows: a panel each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # a file, no window

from matplotlib import pyplot as plt

from bench.figures import Row
from bench.newsroom import WORKERS
from bench.rows import ingest, memory, pipeline, queue

_PANEL = (6.4, 4.2)  # inches


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the PNG of the rows that have a panel."""
    panels = [(row, panel) for row in rows if row.series for panel in _PANELS[row.name]]
    if not panels:
        return
    size = (_PANEL[0] * len(panels), _PANEL[1])
    figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False, layout="constrained")
    for axis, (row, panel) in zip(axes[0], panels, strict=True):
        panel(axis, row)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _queue(axis: Any, row: Row) -> None:
    for place, (name, points) in enumerate(row.series.items()):
        axis.scatter([place] * len(points), [cost for _, cost in points], label=name)
    axis.axhline(queue.LIMIT_CPU_S, color="gray", linestyle="--", label="bar")
    axis.set(title="queue", ylabel="CPU s per 10,000 messages", xticks=[], ylim=(0, None))
    axis.legend()


def _ingest(axis: Any, row: Row) -> None:
    points = row.series["CPU ms a text"]
    axis.barh([WORKERS[int(place)] for place, _ in points], [cost for _, cost in points])
    axis.axvline(ingest.INGEST_LIMIT_MS, color="gray", linestyle="--")
    axis.set(title="own work a text", xlabel="CPU ms (line: ingest's bar)")


def _latency(axis: Any, row: Row) -> None:
    for name, points in row.series.items():
        if not name.startswith("cpu "):
            line = axis.plot([x for x, _ in points], [y * 100 for _, y in points], label=name)[0]
            axis.axvline(pipeline.LIMITS_MS[name.split()[0]], color=line.get_color(), linestyle=":")
    axis.set(title="SNS publish to ... (dotted: p99 bars)", xlabel="ms", ylabel="% of messages", xscale="log")
    axis.legend()


def _ramp(axis: Any, row: Row) -> None:
    for name, points in row.series.items():
        if name.startswith("cpu "):
            axis.plot([x for x, _ in points], [y * 100 for _, y in points], marker="o", label=name[4:])
    axis.set(title="ramp", xlabel="asked msg/s", ylabel="% of a core", ylim=(0, None))
    axis.legend(fontsize="small")


def _memory(axis: Any, row: Row) -> None:
    for name, points in row.series.items():
        axis.plot([x for x, _ in points], [y for _, y in points], label=name)
    axis.axhline(memory.RSS_LIMIT_MB, color="gray", linestyle="--", label="bar")
    axis.set(title="memory", xlabel="messages", ylabel="RSS MB", ylim=(0, None))
    axis.legend(fontsize="small")


_PANELS: Mapping[str, tuple[Callable[[Any, Row], None], ...]] = {
    "queue": (_queue,),
    "ingest": (_ingest,),
    "pipeline": (_latency, _ramp),
    "memory": (_memory,),
}
