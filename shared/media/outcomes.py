"""How a medium ends or waits, in words an agent reads, and whether trying again helps: the one table.

The code is `reason` of a message's medium (record/shape.py), the metric label `outcome`, and what the console shows
through `explain`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
# A file of ours that cannot go to WhatsApp.
OURS: Mapping[str, Outcome] = {
    "upload_gone": Outcome(
        "failed", "El archivo que se subió ya no está: se guarda un día. Súbalo otra vez.", "person"
    ),
    "unsupported": Outcome(
        "failed",
        "WhatsApp no acepta este tipo de archivo. Conviértalo, o mándelo como documento PDF.",
        "person",
    ),
    "no_clean_copy": Outcome(
        "failed",
        "A este formato no se le pueden quitar autor y fechas, y así no sale. Guárdelo como DOCX, XLSX, PPTX o PDF.",
        "person",
    ),
    "too_long": Outcome(
        "failed",
        "Ni reducido cabe en el límite de WhatsApp. Recórtelo, o mándelo en partes.",
        "person",
    ),
    "no_sound": Outcome("failed", "El archivo no tiene sonido. Revise que sea el correcto.", "person"),
    "no_picture": Outcome("failed", "El video no tiene imagen. Mándelo como audio.", "person"),
    "unreadable": Outcome(
        "failed", "El archivo está dañado y no se puede preparar para WhatsApp. Suba otra copia.", "person"
    ),
    "too_heavy": Outcome(
        "failed",
        "Prepararlo para WhatsApp exige demasiado. Redúzcalo o recórtelo, y súbalo otra vez.",
        "person",
    ),
}
_OWN = "Suba otra copia."
# The same of a file of ours: nobody else can be asked for it.
UPLOADED_ES: Mapping[str, str] = {
    "zero_bytes": f"El archivo está vacío. {_OWN}",
    "too_large": "Pesa más de 100 MB, el máximo de WhatsApp.",
    "mismatch": f"El contenido no es del tipo que dice ser: no se manda. {_OWN}",
    "program": "Es un programa, no un documento: no se manda a nadie.",
    "bomb": "Al abrirse crece sin medida (archivo bomba): no se manda a nadie.",
    "polyglot": f"Son dos archivos en uno; uno va escondido: no se manda. {_OWN}",
    "encrypted": "Tiene contraseña y no se puede revisar. Súbalo sin contraseña.",
    "infected": "El antivirus encontró una amenaza: no se manda. Avise a sistemas.",
}
_UNKNOWN = Outcome("failed", "No se pudo recibir este archivo. Avise a sistemas.", "person")


def explain(code: str, *, uploaded: bool = False) -> Outcome:
    """What a code means, of a file of ours with `uploaded`; one of another version of this table is still explained."""
    found = OUTCOMES.get(code) or OURS.get(code, _UNKNOWN)
    return replace(found, es=UPLOADED_ES.get(code, found.es)) if uploaded else found
