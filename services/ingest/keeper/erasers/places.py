"""Every place of the topology: which eraser takes a person out of it, or why nobody need.

`tests/unit/keeper/test_places.py` walks the topology and fails where a place is not here; `make erasure-proof` fails
where an object lies under a prefix that is not.
"""

from collections.abc import Mapping

from services.ingest.keeper.erasers.outside import Stated
from shared import topology

# Places whose eraser it is.
ERASED: Mapping[str, str] = {
    "table messages": "messages",
    "table aliases": "aliases",
    "table contact_keys": "contact_keys",
    "table conversations": "conversations",
    "table media": "media",
    "table chats": "chats",
    "table policy": "policy",
    "table deliveries": "destinations",
    "table desk_log": "desk_log",
    "bucket raw/raw/": "raw",
    "bucket raw/poison/": "raw",
    "bucket raw/sealed/": "messages",
    "bucket media/incoming/": "media",
    "bucket media/quarantine/": "media",
    "bucket media/uploads/": "media",
    "bucket media/transcripts/": "media",
    "bucket media/served/": "media",
    "bucket exports/imports/": "imports",
    f"index {topology.SEARCH_ALIAS}": "opensearch",
    f"index {topology.SEARCH_CONVERSATIONS}": "opensearch",
    "cdn": "cdn",
    **{f"queue {spec.dlq}": "dlq" for spec in topology.QUEUES},
}

_WAYS = "queues"
# Places that hold nothing of a person, as the receipt says it.
STATED: Mapping[str, tuple[str, str]] = {
    "table contacts": (
        "contacts",
        "Nombres y números se quitan en el mismo instante en que se marca el borrado.",
    ),
    "table ids": ("ids", "Solo identificadores."),
    "table config": ("config", "Solo identificadores, reglas y este recibo; ningún dato de la persona."),
    "table agents": ("agents", "Solo el personal."),
    "table audit_log": ("audit_log", "Quién hizo qué, con identificadores; no se puede alterar."),
    "transcribe": (
        "transcribe",
        "Un trabajo en curso en Amazon Transcribe termina en minutos; su resultado se tira y el trabajo se borra.",
    ),
    "table leases": ("leases", "Solo nombres de procesos."),
    "table due": ("due", "Solo identificadores; lo pendiente de la persona termina cancelado."),
    "bucket raw/erased/": ("erased", "El registro de borrados: identificadores y resúmenes irreversibles."),
    **{
        f"queue {spec.name}": (_WAYS, "Lo que aún esté en camino se descarta al llegar, también del archivo.")
        for spec in topology.QUEUES
    },
}


def stated() -> tuple[Stated, ...]:
    """Each stated place once, for the receipt."""
    return tuple(Stated(name, note) for name, note in dict(STATED.values()).items())


def of_object(bucket: str, key: str) -> str | None:
    """The place of an object; None where nobody registered it."""
    place = f"bucket {bucket}/{key.partition('/')[0]}/"
    return place if place in ERASED or place in STATED else None
