"""Bugs of the media worker."""

from typing import Any

from sim.bugs.plant import Garden

_garden = Garden()


@_garden.bug("a settled file is not told", "services.media.handlers:Media._one")
def media_settled_not_published(sound: Any) -> Any:
    """Search and the lanes never hear of it."""

    async def broken(self: Any, message: Any, n: int, cause: Any) -> list[Any]:
        await sound(self, message, n, cause)
        return []

    return broken


def _put_off(_sound: Any) -> Any:
    async def broken(_self: Any, _key: str, _verdict: Any, _found: Any) -> None:
        return None

    return broken


def _only_cleaned(_sound: Any) -> Any:
    async def broken(self: Any, _message: Any, _n: int, prefix: str) -> None:
        await self._clean(prefix)

    return broken


_garden.add(
    "media-ready-without-its-bytes",
    "a file is marked ready and never put where it is served from",
    [
        ("services.media.handlers:Media._place", _put_off),
        ("services.media.handlers:Media._finish", _only_cleaned),
    ],
)


@_garden.bug(
    "a source that is down for a moment loses the file",
    "services.media.handlers:Media._aged",
    hot=("services/media/",),
)
def unavailable_counts_as_expired(_sound: Any) -> Any:
    """Any failure is final, and without its bytes."""
    return lambda _self, _message: True


@_garden.bug("every file is put aside without a reason", "services.media.handlers:judge")
def file_put_aside_without_reason(sound: Any) -> Any:
    """It is neither served nor explained."""

    def broken(declared: str, declared_sha: Any, found: Any) -> Any:
        verdict = sound(declared, declared_sha, found)
        return type(verdict)("quarantined", "", verdict.served_as)

    return broken


BUGS = _garden.grown()
