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
    async def broken(self: Any, key: str, verdict: Any, found: Any) -> None:
        vars(self).setdefault("put_off", {})[key] = (_PLACE[0], verdict, found)

    _PLACE[:] = [_sound]
    return broken


def _placed_late(sound: Any) -> Any:
    async def broken(self: Any, prefix: str) -> None:
        waiting = vars(self).get("put_off", {})
        for key in [key for key in waiting if key.startswith(prefix)]:
            place, verdict, found = waiting.pop(key)
            await place(self, key, verdict, found)
        await sound(self, prefix)

    return broken


_PLACE: list[Any] = []
_garden.add(
    "media-ready-before-the-copy",
    "a file is marked ready before it lies where it is served from",
    [
        ("services.media.handlers:Media._place", _put_off),
        ("services.media.handlers:Media._clean", _placed_late),
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
