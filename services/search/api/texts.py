"""Words of the search's own problems."""

from shared.http.problems import Catalogue, text

TEXTS: Catalogue = {
    "search-unavailable": text(
        (
            "La búsqueda no responde",
            "El motor de búsqueda no contestó a tiempo; los mensajes están a salvo.",
            "Vuelve a intentar en unos segundos o busca dentro de la conversación.",
        ),
        (
            "Search does not answer",
            "The search engine did not answer in time; the messages are safe.",
            "Try again in some seconds, or look inside the conversation.",
        ),
    ),
}
