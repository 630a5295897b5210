"""Planted bugs: each breaks one joint of the product, narrowly, for as long as it is planted."""

from sim.bugs import desk, keeping, lanes, media, record, routing, search, sending, workers
from sim.bugs.plant import Bug, Planted

NOTHING = Bug("nothing", "changes nothing: no audit may find it", ())
BUGS: tuple[Bug, ...] = (
    *record.BUGS,
    *routing.BUGS,
    *lanes.BUGS,
    *sending.BUGS,
    *desk.BUGS,
    *media.BUGS,
    *search.BUGS,
    *workers.BUGS,
    *keeping.BUGS,
)

__all__ = ["BUGS", "NOTHING", "Bug", "Planted"]
