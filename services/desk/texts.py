"""Words of the desk's own problems."""

from shared.http.problems import Catalogue, text

TEXTS: Catalogue = {
    "window-closed": text(
        (
            "La ventana de 24 horas está cerrada",
            "La persona no ha escrito en las últimas 24 horas, y WhatsApp no deja enviar mensajes libres.",
            "Manda una plantilla aprobada o espera a que la persona escriba.",
        ),
        (
            "The 24-hour window is closed",
            "The person has not written in the last 24 hours, and WhatsApp takes no free-form message.",
            "Send an approved template, or wait until the person writes.",
        ),
    ),
    "idempotency-key-reused": text(
        (
            "Clave ya usada",
            "Esta Idempotency-Key ya se usó para otro mensaje; no se envió nada.",
            "Manda el mensaje con una clave nueva.",
        ),
        (
            "Key used before",
            "This Idempotency-Key belongs to another message; nothing was sent.",
            "Send the message with a new key.",
        ),
    ),
    "group-read-only": text(
        (
            "Los grupos son de solo lectura",
            "Por la API no se puede escribir en un grupo.",
            "Escribe a la persona en su propia conversación.",
        ),
        (
            "Groups are read-only",
            "The API cannot write into a group.",
            "Write to the person in their own conversation.",
        ),
    ),
    "erased-person": text(
        (
            "Persona borrada",
            "Los datos de esta persona se borraron a petición; ya no se le puede escribir.",
            "Si la persona vuelve a escribir, empezará una conversación nueva.",
        ),
        (
            "Person erased",
            "This person's data were erased on request; they cannot be written to.",
            "If the person writes again, a new conversation begins.",
        ),
    ),
    "quote-unknown": text(
        (
            "No se puede citar todavía",
            "El mensaje citado no está en esta conversación o WhatsApp aún no le dio número.",
            "Manda la respuesta sin citar, o espera unos segundos.",
        ),
        (
            "Cannot be quoted yet",
            "The quoted message is not in this conversation, or WhatsApp has not numbered it yet.",
            "Send the answer without the quotation, or wait some seconds.",
        ),
    ),
    "text-too-long": text(
        (
            "Texto demasiado largo",
            "El texto ocuparía {parts} mensajes; se aceptan {limit}.",
            "Mándalo como documento.",
        ),
        (
            "Text too long",
            "The text would take {parts} messages; {limit} are accepted.",
            "Send it as a document.",
        ),
    ),
    "not-retryable": text(
        (
            "No se puede reintentar",
            "Solo se reintenta un mensaje nuestro que falló o que quedó sin confirmar.",
            "Revisa el estado del mensaje.",
        ),
        (
            "Cannot be tried again",
            "Only a message of ours that failed or stayed unconfirmed is tried again.",
            "Check the message's state.",
        ),
    ),
    "too-early": text(
        (
            "Aún puede confirmarse solo",
            "El último intento tiene menos de {seconds} segundos y la confirmación puede llegar.",
            "Espera {wait} segundos; si no se confirma, reintenta.",
        ),
        (
            "May still be confirmed",
            "The last attempt is less than {seconds} seconds old and its confirmation may come.",
            "Wait {wait} seconds; if it is not confirmed, try again.",
        ),
    ),
    "people-apart": text(
        (
            "Son dos personas",
            "Alguien ya separó a estas dos personas; no se vuelven a unir.",
            "Elige otra persona, o pide a sistemas que revise la separación.",
        ),
        (
            "They are two people",
            "Somebody has parted these two before; they are not joined again.",
            "Choose another person, or ask support to look at the parting.",
        ),
    ),
    "not-transcribable": text(
        (
            "No hay sonido que transcribir",
            "Solo se transcribe un audio o un video que ya llegó y pasó la revisión.",
            "Espera a que el archivo esté listo.",
        ),
        (
            "No sound to transcribe",
            "Only an audio or a video that has come and was checked is transcribed.",
            "Wait until the file is ready.",
        ),
    ),
    "secret-missing": text(
        (
            "Falta el secreto",
            "Un destino nuevo necesita el secreto con que se firman sus mensajes.",
            "Manda secret_value: whsec_ y al menos 24 bytes en base64.",
        ),
        (
            "Secret missing",
            "A new destination needs the secret its messages are signed with.",
            "Send secret_value: whsec_ and at least 24 bytes in base64.",
        ),
    ),
    "destination-unknown": text(
        (
            "Destino desconocido",
            "La ruta nombra un destino que no existe.",
            "Crea antes el destino o corrige su nombre.",
        ),
        (
            "Unknown destination",
            "The route names a destination that does not exist.",
            "Create the destination first, or correct its name.",
        ),
    ),
}
