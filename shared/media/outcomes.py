"""How a medium ends or waits, in words an agent reads, and whether trying again helps: the one table.

The code is `reason` of a message's medium (record/shape.py), the metric label `outcome`, and what the console shows
through `explain`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["pending", "ready", "failed", "quarantined"]
# What helps: the worker comes again by itself, the sender sends it again, a person of ours decides, nothing.
Retry = Literal["machine", "sender", "person", "never"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a code means.

    Attributes:
        state: the medium's state with this code.
        es: why, and what to do, as an agent in Mexico reads it.
        retry: what helps.
    """

    state: State
    es: str
    retry: Retry


OUTCOMES: Mapping[str, Outcome] = {
    # It waits; these are reasons of a retry and never written into the record.
    "throttled": Outcome("pending", "WhatsApp pide ir más despacio. Se intenta de nuevo solo.", "machine"),
    "unavailable": Outcome("pending", "WhatsApp no responde. Se intenta de nuevo solo.", "machine"),
    "scanner_down": Outcome(
        "pending",
        "El antivirus no responde: nada se muestra sin revisar. Se intenta de nuevo solo.",
        "machine",
    ),
    # It never came.
    "expired": Outcome(
        "failed",
        "WhatsApp guarda los archivos 30 días y este ya no está. Pida que lo envíen otra vez.",
        "sender",
    ),
    "missing": Outcome("failed", "WhatsApp ya no tiene este archivo. Pida que lo envíen otra vez.", "sender"),
    "denied": Outcome(
        "failed", "WhatsApp no nos entrega este archivo. Avise a sistemas si se repite.", "person"
    ),
    "zero_bytes": Outcome(
        "failed",
        "El archivo llegó vacío, también al pedirlo de nuevo. Pida que lo envíen otra vez.",
        "sender",
    ),
    # It came and is put aside.
    "too_large": Outcome(
        "quarantined", "Pesa más de 100 MB, el máximo de WhatsApp. Pídalo por otro medio.", "sender"
    ),
    "mismatch": Outcome(
        "quarantined", "El contenido no es del tipo que dice ser. No se muestra; pida otra copia.", "sender"
    ),
    "program": Outcome("quarantined", "Es un programa, no un documento. No se entrega a nadie.", "never"),
    "hash_mismatch": Outcome(
        "quarantined",
        "No es el archivo que anunció WhatsApp, tampoco al pedirlo de nuevo. Pida que lo envíen otra vez.",
        "sender",
    ),
    "truncated": Outcome(
        "quarantined",
        "Llegó cortado, también al pedirlo de nuevo. Pida que lo envíen otra vez.",
        "sender",
    ),
    "bomb": Outcome(
        "quarantined", "Al abrirse crece sin medida (archivo bomba). No se muestra ni se entrega.", "never"
    ),
    "polyglot": Outcome(
        "quarantined", "Son dos archivos en uno; uno va escondido. No se muestra; pida otra copia.", "sender"
    ),
    "encrypted": Outcome(
        "quarantined",
        "Tiene contraseña y no se puede revisar. Pídalo sin contraseña, o que sistemas lo abra aparte.",
        "person",
    ),
    "infected": Outcome(
        "quarantined",
        "El antivirus encontró una amenaza. No lo pida por otro medio; avise a sistemas.",
        "never",
    ),
    # It is served as it came, and something of it is wrong.
    "damaged": Outcome(
        "ready", "El archivo venía dañado o incompleto de origen: puede no abrir o no verse entero.", "sender"
    ),
    "too_complex": Outcome(
        "ready",
        "No hay vista previa: abrirlo exige demasiado. Descárguelo solo si confía en quien lo envía.",
        "never",
    ),
    "no_preview": Outcome(
        "ready", "No hay vista previa de este tipo de archivo; se puede descargar.", "never"
    ),
}
_UNKNOWN = Outcome("failed", "No se pudo recibir este archivo. Avise a sistemas.", "person")


def explain(code: str) -> Outcome:
    """What a code means; a code of another version of this table is still explained."""
    return OUTCOMES.get(code, _UNKNOWN)
