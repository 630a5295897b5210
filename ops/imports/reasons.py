"""Why a line or a file is not taken, in words for the person who imports."""

LINES = {
    "like_a_date": "empieza como una fecha, pero no con la forma de este archivo (¿texto copiado de otro chat?)",
    "time": "la hora no existe",
    "date": "la fecha no existe leída en el orden de este archivo, o es futura o anterior a WhatsApp",
    "orphan": "está antes del primer mensaje",
    "too_long": "el mensaje pasa de 1 MiB",
    "shape": "no es un mensaje de whatsapp-chat-exporter",
}


class BadFileError(Exception):
    """A file cannot be imported as it is; the message says why and what helps."""
