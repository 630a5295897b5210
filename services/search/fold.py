"""Folding as the analyzers do it: lower case, no accents. Pure, for keywords and for what the fake compares."""

import unicodedata


def fold(text: str) -> str:
    """Lower case without combining marks: «Álvaro OBREGÓN» -> `alvaro obregon`; ñ becomes n as in ASCII folding."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each)).casefold()
