"""Words of the problems of files: one of type and one of size for each kind, made of the limits themselves."""

from collections.abc import Mapping

from services.desk.uploads import unit
from shared.http.problems import Catalogue, Text, text
from shared.media.uploads import KINDS, LIMITS, MB, Kind

_ES: Mapping[Kind, str] = {
    "image": "una foto",
    "video": "un video",
    "audio": "un audio",
    "voice": "una nota de voz",
    "document": "un documento",
    "sticker": "un sticker",
}
_EN: Mapping[Kind, str] = {
    "image": "a photo",
    "video": "a video",
    "audio": "an audio file",
    "voice": "a voice note",
    "document": "a document",
    "sticker": "a sticker",
}
_ENDINGS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WebP",
    "video/mp4": "MP4",
    "video/3gpp": "3GP",
    "audio/aac": "AAC",
    "audio/amr": "AMR",
    "audio/mpeg": "MP3",
    "audio/mp4": "M4A",
    "audio/ogg": "OGG",
    "audio/webm": "WebM",
    "application/pdf": "PDF",
    "application/msword": "DOC",
    "application/vnd.ms-excel": "XLS",
    "application/vnd.ms-powerpoint": "PPT",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PPTX",
    "text/plain": "TXT",
}


def endings(kind: Kind) -> str:
    """The types a kind takes, as people call them."""
    return ", ".join(sorted(_ENDINGS[mime] for mime in LIMITS[kind].mimes))


def _type(kind: Kind) -> Mapping[str, Text]:
    taken = endings(kind)
    return text(
        (
            "Tipo de archivo no aceptado",
            f"WhatsApp no acepta este tipo de archivo como {_ES[kind].partition(' ')[2]}.",
            f"Convierte el archivo a uno de estos: {taken}; o mándalo como documento.",
        ),
        (
            "File type not accepted",
            f"WhatsApp does not take this type as {_EN[kind]}.",
            f"Convert it to one of {taken}; or send it as a document.",
        ),
    )


def _large(kind: Kind) -> Mapping[str, Text]:
    measure = "MB" if unit(kind) == MB else "kB"
    es = (
        "Comprímelo o compártelo con un enlace."
        if kind == "document"
        else "Hazlo más pequeño o mándalo como documento."
    )
    en = (
        "Compress it, or share a link."
        if kind == "document"
        else "Make it smaller, or send it as a document."
    )
    return text(
        (
            "Archivo demasiado grande",
            f"El archivo pesa {{size}} {measure}; {_ES[kind]} puede pesar hasta {{limit}} {measure}.",
            es,
        ),
        ("File too large", f"The file has {{size}} {measure}; {_EN[kind]} may have {{limit}} {measure}.", en),
    )


UPLOADS: Catalogue = {
    **{f"upload-type-{kind}": _type(kind) for kind in KINDS},
    **{f"upload-large-{kind}": _large(kind) for kind in KINDS},
    "upload-empty": text(
        ("Archivo vacío", "El archivo no tiene contenido.", "Elige el archivo otra vez."),
        ("Empty file", "The file has no content.", "Choose the file again."),
    ),
    "upload-missing": text(
        (
            "El archivo no ha llegado",
            "Todavía no hay nada en la dirección de subida.",
            "Sube el archivo a la dirección indicada y vuelve a confirmar; si venció, pídela de nuevo con la misma clave.",
        ),
        (
            "The file has not come",
            "There is nothing at the upload address yet.",
            "Put the file to the address given and confirm again; if it expired, ask again with the same key.",
        ),
    ),
    "upload-size": text(
        (
            "El archivo llegó incompleto",
            "Se anunciaron {declared} bytes y llegaron {found}; lo recibido se descartó.",
            "Pide la dirección de nuevo con la misma clave y sube el archivo completo.",
        ),
        (
            "The file came incomplete",
            "{declared} bytes were declared and {found} came; they were dropped.",
            "Ask for the address again with the same key and put the whole file.",
        ),
    ),
    "upload-open": text(
        (
            "El archivo aún no está confirmado",
            "La subida de este archivo no se ha confirmado.",
            "Confirma la subida y manda el mensaje de nuevo.",
        ),
        (
            "The file is not confirmed yet",
            "The upload of this file was not completed.",
            "Complete the upload and send the message again.",
        ),
    ),
    "upload-kind": text(
        (
            "El archivo es de otro tipo",
            "Este archivo se subió para otro tipo de mensaje.",
            "Manda el mensaje con el tipo con que se subió, o sube el archivo otra vez.",
        ),
        (
            "The file is of another kind",
            "This file was uploaded for another type of message.",
            "Send the message with the type it was uploaded for, or upload the file again.",
        ),
    ),
    "upload-refused": text(
        (
            "El archivo no pasó la revisión",
            "La revisión del archivo lo rechazó; el motivo está en el archivo subido.",
            "Consulta el motivo y sube otro archivo.",
        ),
        (
            "The file was refused",
            "The file's check refused it; the reason stands with the upload.",
            "Read the reason and upload another file.",
        ),
    ),
    "upload-over": text(
        (
            "El archivo caducó",
            "Un archivo subido que no se usa se borra a las 24 horas.",
            "Sube el archivo otra vez.",
        ),
        (
            "The file expired",
            "An upload that is not used is deleted after 24 hours.",
            "Upload the file again.",
        ),
    ),
}
