"""Bugs of the media worker."""

from typing import Any

from services.media.sending import Target
from services.media.verdict import Verdict
from shared.objects.cdn import ORIGINAL
from shared.store.port import Put
from sim.bugs.plant import Garden
from sim.scenes import Scene

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


@_garden.bug(
    "a file is served before its verdict", "services.media.handlers:Media._place", scenes=(Scene.UPLOADS,)
)
def file_served_before_its_verdict(sound: Any) -> Any:
    """What the scanner knows lies where everybody is sent to."""

    async def broken(self: Any, key: str, verdict: Any, found: Any) -> None:
        await sound(self, key, Verdict("ready", "", verdict.served_as), found)

    return broken


@_garden.bug(
    "an upload is sent whatever is wrong with it", "services.media.uploads:judge", scenes=(Scene.UPLOADS,)
)
def upload_sent_unjudged(_sound: Any) -> Any:
    """A customer gets what the scanner knows."""
    return lambda declared, _sha256, _found: Verdict("ready", "", declared)


@_garden.bug("an upload is sent as it is", "services.media.uploads:target", scenes=(Scene.UPLOADS,))
def upload_sent_as_it_is(_sound: Any) -> Any:
    """With where and when it was taken."""
    return lambda _kind, mime: Target(ORIGINAL, mime, 1)


def _unwaited(_sound: Any) -> Any:
    async def broken(self: Any, message: Any, each: Any) -> None:
        del self, message, each

    return broken


_garden.add(
    "message-of-an-upload-forgotten",
    "a message that waits for its upload is told nothing",
    [("services.media.uploads:Uploads._wanted", _unwaited)],
    scenes=(Scene.UPLOADS,),
)


@_garden.bug(
    "a file's message is not counted among those that have it",
    "services.media.ledger:Ledger._medium",
    scenes=(Scene.ERASED,),
)
def reference_not_counted(sound: Any) -> Any:
    """It goes with somebody else's."""
    return lambda *args: [op for op in sound(*args) if not isinstance(op, Put)]


@_garden.bug(
    "a budget is charged each time a work is begun",
    "shared.policy.spending:Spending._mark",
    hot=("services/media/handlers.py", "services/media/look.py"),
)
def budget_charged_again(sound: Any) -> Any:
    """Nobody knows that it was paid for."""
    return lambda self, pk: sound(self, f"{pk}#{self._ids.token()}")


@_garden.bug(
    "what is over its budget is not owed", "services.media.budgets:Budgets._owe", scenes=(Scene.OVERDRAWN,)
)
def deferred_work_forgotten(_sound: Any) -> Any:
    """The next day begins without it."""

    async def broken(_self: Any, *_args: Any, **_said: Any) -> None:
        return

    return broken


def _of_another(sound: Any) -> Any:
    before: list[Any] = []

    async def broken(self: Any, message: Any, n: int, known: Any) -> None:
        before.append(known)
        await sound(self, message, n, before[max(0, len(before) - 2)])

    return broken


_garden.add(
    "transcript-of-another",
    "what is transcribed is the file before",
    [("services.media.transcription:Transcription._begin", _of_another)],
    scenes=(Scene.NOTES,),
)


@_garden.bug(
    "nobody looks after a job whose end is not told",
    "services.media.transcription:Transcription.on_check",
    scenes=(Scene.NOTES,),
)
def transcript_not_looked_after(_sound: Any) -> Any:
    """EventBridge tells on best effort only."""

    async def broken(_self: Any, _item: Any) -> None:
        return

    return broken


@_garden.bug(
    "the words of a sound are brought in and not put beside it",
    "services.media.transcription:Transcription._put",
    scenes=(Scene.NOTES,),
)
def transcript_not_kept(_sound: Any) -> Any:
    """The job and its output are gone."""

    async def broken(_self: Any, _message: Any, _n: int, _said: Any) -> None:
        return

    return broken


BUGS = _garden.grown()
