"""Errors as people read them: problem+json (RFC 9457), in Spanish by default, English when asked.

A text names what is wrong and the remedy; it never repeats what the caller sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Language = str  # "es" | "en"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Text:
    """One problem's words in one language."""

    title: str
    detail: str
    remedy: str


Catalogue = Mapping[str, Mapping[Language, Text]]


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """What an endpoint raises to answer with an error.

    Args:
        status: the HTTP status.
        code: key of the texts, last part of `type`.
        about: the request's field that is wrong.
        headers: response headers that belong to the status.
        numbers: figures the texts show.
    """

    def __init__(
        self,
        status: int,
        code: str,
        about: str | None = None,
        headers: Mapping[str, str] | None = None,
        **numbers: int,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.about = about
        self.headers = dict(headers or {})
        self.numbers = numbers


@dataclass(frozen=True, slots=True)
class Texts:
    """All problems' words of one API: the common ones and its own."""

    own: Catalogue = field(default_factory=dict)

    def render(self, problem: Problem, language: Language, correlation: str) -> dict[str, str | int | None]:
        """The body of the answer."""
        words = (self.own.get(problem.code) or COMMON.get(problem.code) or COMMON["internal"])[language]
        return {
            "type": f"/problems/{problem.code}",
            "status": problem.status,
            "title": words.title,
            "detail": words.detail.format(**problem.numbers),
            "field": problem.about,
            "remedy": words.remedy.format(**problem.numbers),
            "correlation": correlation,
        }


def language(accept: str | None) -> Language:
    """`en` where the caller prefers English to Spanish, else `es` (RFC 9110 s.12.5.4, q-values)."""
    quality = {"es": 0.0, "en": 0.0}
    for entry in (accept or "")[:256].split(","):
        tag, _, parameter = entry.strip().partition(";")
        main = tag.strip().lower().partition("-")[0]
        if main in quality:
            quality[main] = max(quality[main], _q(parameter))
    return "en" if quality["en"] > quality["es"] else "es"


def _q(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0


def text(es: tuple[str, str, str], en: tuple[str, str, str]) -> Mapping[Language, Text]:
    """One problem's words, each as (title, detail, remedy)."""
    return {"es": Text(*es), "en": Text(*en)}


COMMON: Catalogue = {
    "unauthenticated": text(
        ("Falta iniciar sesión", "La petición no trae una sesión válida.", "Inicia sesión de nuevo."),
        ("Not signed in", "The request carries no valid session.", "Sign in again."),
    ),
    "session-expired": text(
        ("La sesión terminó", "El token de acceso ya venció.", "Inicia sesión de nuevo."),
        ("Session over", "The access token has expired.", "Sign in again."),
    ),
    "forbidden": text(
        (
            "Sin permiso",
            "Tu cuenta no tiene el rol que esto pide.",
            "Pide el rol a quien administra la mesa.",
        ),
        (
            "Not allowed",
            "Your account lacks the role this needs.",
            "Ask the desk's administrator for the role.",
        ),
    ),
    "identity-provider-unavailable": text(
        (
            "No se pudo verificar la sesión",
            "El proveedor de identidad no responde.",
            "Espera unos segundos y vuelve a intentar.",
        ),
        (
            "Session not verified",
            "The identity provider does not answer.",
            "Wait some seconds and try again.",
        ),
    ),
    "not-found": text(
        (
            "No existe",
            "No hay nada en esta dirección para tu cuenta.",
            "Revisa la dirección o el identificador.",
        ),
        ("Not found", "There is nothing at this address for your account.", "Check the address or the id."),
    ),
    "method-not-allowed": text(
        (
            "Método no permitido",
            "Esta dirección no acepta ese método.",
            "Usa uno de los del encabezado Allow.",
        ),
        ("Method not allowed", "This address does not take that method.", "Use one of the Allow header's."),
    ),
    "invalid": text(
        (
            "Dato no válido",
            "Un campo de la petición falta o no tiene la forma esperada.",
            "Corrige el campo indicado; las formas están en el documento OpenAPI.",
        ),
        (
            "Invalid value",
            "A field of the request is missing or has not the expected form.",
            "Correct the named field; the forms are in the OpenAPI document.",
        ),
    ),
    "cursor": text(
        (
            "Página no válida",
            "El cursor no corresponde a esta lista.",
            "Empieza la lista otra vez, sin cursor.",
        ),
        (
            "Invalid page",
            "The cursor does not belong to this list.",
            "Start the list again, without a cursor.",
        ),
    ),
    "too-large": text(
        ("Petición demasiado grande", "El cuerpo pasa de {limit} bytes.", "Envía menos en cada petición."),
        ("Request too large", "The body exceeds {limit} bytes.", "Send less in each request."),
    ),
    "changed": text(
        (
            "Alguien lo cambió antes",
            "La versión que editas ya no es la actual.",
            "Vuelve a leerlo y repite el cambio sobre lo nuevo.",
        ),
        (
            "Somebody changed it first",
            "The version you edit is no longer the current one.",
            "Read it again and repeat the change on the new one.",
        ),
    ),
    "precondition-required": text(
        (
            "Falta la versión",
            "El cambio debe decir sobre qué versión se hizo.",
            "Manda If-Match con el ETag leído, o If-None-Match: * para crear.",
        ),
        (
            "Version missing",
            "The change must say which version it was made on.",
            "Send If-Match with the ETag read, or If-None-Match: * to create.",
        ),
    ),
    "unavailable": text(
        ("Servicio ocupado", "Una parte del sistema no responde.", "Vuelve a intentar en unos segundos."),
        ("Service busy", "A part of the system does not answer.", "Try again in some seconds."),
    ),
    "internal": text(
        (
            "Algo falló de nuestro lado",
            "No se completó la petición.",
            "Vuelve a intentar; si sigue, da a soporte el dato «correlation».",
        ),
        (
            "Something failed on our side",
            "The request was not completed.",
            "Try again; if it goes on, give support the value of `correlation`.",
        ),
    ),
}
