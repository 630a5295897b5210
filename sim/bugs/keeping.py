"""Bugs of the keeper."""

from typing import Any

from services.ingest.keeper.plan import Document, Message
from shared.record.erasure import Outcome
from shared.record.holds import Held
from sim.bugs.plant import Garden
from sim.scenes import Scene

_garden = Garden()
_ERASED = (Scene.ERASED,)
_AGED = (Scene.AGED,)


def _finds_nothing(_sound: Any) -> Any:
    async def broken(_self: Any, _subject: Any) -> Outcome:
        return Outcome()

    return broken


def _does_nothing(_sound: Any) -> Any:
    async def broken(*_given: Any) -> None:
        return

    return broken


def _claims_nothing(sound: Any) -> Any:
    async def broken(self: Any, item: Any, eraser: Any, subject: Any) -> int:
        await sound(self, item, eraser, subject)
        return 0

    return broken


_garden.add(
    "erasure-ends-with-its-first-round",
    "nobody comes back for what was still on its way",
    [
        ("services.ingest.keeper.erasing:ROUNDS", lambda _sound: 1),
        ("services.ingest.keeper.erasing:Erasing._place", _claims_nothing),
    ],
    scenes=_ERASED,
)


@_garden.bug("an erasure is not written into the ledger", "shared.record.ledger:Ledger.keep", scenes=_ERASED)
def erasure_not_in_the_ledger(_sound: Any) -> Any:
    """A restore brings the person back for good."""

    async def broken(_self: Any, _subject: Any) -> None:
        return

    return broken


@_garden.bug("a hold stops no erasure", "services.ingest.keeper.erasing:Holds.held", scenes=_ERASED)
def hold_ignored_by_erasure(_sound: Any) -> Any:
    """Whoever asks is erased."""

    async def broken(_self: Any) -> Held:
        return Held()

    return broken


@_garden.bug("retention does not ask for holds", "services.ingest.keeper.plan:fate", scenes=_AGED)
def hold_ignored_by_retention(sound: Any) -> Any:
    """What is held ends with its days."""
    return lambda message, rules, _holds, now_ms: sound(message, rules, Held(), now_ms)


@_garden.bug("a file goes with its first reference", "shared.record.files:Files.references", scenes=_ERASED)
def shared_file_deleted(_sound: Any) -> Any:
    """Somebody else sent it too."""

    async def broken(_self: Any, _sha256: str) -> list[str]:
        return []

    return broken


@_garden.bug(
    "retention counts from the arrival",
    "shared.record.retention:Retention.message_ends_at",
    scenes=_AGED,
)
def retention_from_arrival(sound: Any) -> Any:
    """What came late goes as soon as it is kept."""

    def broken(self: Any, item: Any) -> Any:
        since = item["arrival_ms"]
        return sound(
            self, {**item, "kept_at": since, "expires_at": since + item["expires_at"] - item["kept_at"]}
        )

    return broken


@_garden.bug("a document outlives its message", "services.ingest.keeper.plan:_steps", scenes=_AGED)
def document_outlives_its_message(sound: Any) -> Any:
    """Search still finds it."""
    return lambda message, left: [step for step in sound(message, left) if not isinstance(step, Document)]


@_garden.bug("a file outlives its last message", "services.ingest.keeper.plan:_steps", scenes=_AGED)
def file_outlives_its_message(sound: Any) -> Any:
    """Nobody drops the reference."""

    def broken(message: Message, left: Any) -> Any:
        return sound(Message({**message.item, "media": []}, message.children, message.deliveries), left)

    return broken


@_garden.bug(
    "an old envelope goes whatever still lives in it",
    "services.ingest.keeper.retention:Expiry._living",
    scenes=_AGED,
)
def archive_of_the_living_expires(_sound: Any) -> Any:
    """What is held has no archived form any more."""

    async def broken(_self: Any, _found: Any) -> tuple[bool, list[int]]:
        return False, []

    return broken


@_garden.bug(
    "what was taken back stays in the archive",
    "services.ingest.keeper.withdrawn:Withdrawn._thinned",
    scenes=_AGED,
)
def withdrawn_stays_archived(_sound: Any) -> Any:
    """The policy says that nobody has it."""

    async def broken(_self: Any, _key: str, _gone: Any) -> bool:
        return False

    return broken


@_garden.bug("whoever asks has the lease", "shared.lease:Lease._taken", scenes=_ERASED)
def lease_ignored(sound: Any) -> Any:
    """Two keepers work side by side."""

    async def broken(self: Any) -> bool:
        await sound(self)
        return True

    return broken


@_garden.bug(
    "each slot is looked at as it begins",
    "services.ingest.keeper.reconciler:PASSES",
    scenes=_ERASED,
)
def slot_looked_at_too_early(sound: Any) -> Any:
    """What comes into it later is seen by nobody before the hour is over."""
    return {**sound, "fresh": -30}


@_garden.bug("nobody notices that SNS is silent", "services.ingest.keeper.reconciler:silent", scenes=_ERASED)
def silence_of_sns_unseen(_sound: Any) -> Any:
    """EventBridge alone tells."""
    return lambda *_args: False


_LEFT = (
    (
        "erasure-leaves-the-archive",
        "the archive keeps whom the record forgot",
        "services.ingest.keeper.erasers.archive:ArchiveEraser.erase",
    ),
    (
        "erasure-leaves-what-is-parked",
        "what is parked is not looked through",
        "services.ingest.keeper.erasers.parked:ParkedEraser.erase",
    ),
    (
        "erasure-leaves-imports",
        "the journal of an import keeps the person",
        "services.ingest.keeper.erasers.runs:RunsEraser.erase",
    ),
    (
        "erasure-leaves-the-cdn",
        "the CDN is asked to forget nothing",
        "services.ingest.keeper.erasers.files:CdnEraser.erase",
    ),
    (
        "erasure-leaves-files",
        "the files of the person stay",
        "services.ingest.keeper.erasers.files:MediaEraser.erase",
    ),
)
for _name, _what, _target in _LEFT:
    _garden.add(_name, _what, [(_target, _finds_nothing)], scenes=_ERASED)


@_garden.bug(
    "an envelope goes whole with one of its people", "services.ingest.archived:without", scenes=_ERASED
)
def neighbours_erased_with_it(_sound: Any) -> Any:
    """Others wrote in it too."""
    return lambda *_args: None


@_garden.bug(
    "aliases that were taken along are not known",
    "services.ingest.keeper.erasing:aliases_of",
    scenes=_ERASED,
    hot=("services/ingest/keeper/rows.py", "services/ingest/keeper/erasing.py"),
    heat=0.5,
)
def aliases_taken_along_unknown(sound: Any) -> Any:
    """Whoever writes again at once is not found in the archive."""

    async def broken(store: Any, subject: Any) -> Any:
        async for item in sound(store, subject):
            if item.get("contact_id") in subject.contact_ids:
                yield item

    return broken


@_garden.bug(
    "what was said before an erasure comes back with its redelivery",
    "shared.record.people:older",
    scenes=_ERASED,
)
def redelivery_undoes_erasure(_sound: Any) -> Any:
    """Meta delivers again for a week."""
    return lambda *_args: False


@_garden.bug(
    "an upload ends though somebody else waits for it",
    "services.ingest.keeper.erasers.files:WAIT",
    scenes=_ERASED,
)
def upload_ends_under_others(_sound: Any) -> Any:
    """Their message never gets its file."""
    return "nobody#"


_UNDONE = (
    (
        "gap-not-repaired",
        "a gap is told and not repaired",
        "services.ingest.keeper.looking:Looker.repair",
        _ERASED,
    ),
    (
        "files-of-what-was-taken-back-stay",
        "what was taken back keeps its file and what was read on it",
        "services.ingest.keeper.withdrawn:Withdrawn._cleaned",
        _AGED,
    ),
    (
        "nobody-is-forgotten",
        "people of whom nothing is left stay",
        "services.ingest.keeper.leaving:Leaving._gone",
        _AGED,
    ),
)
for _name, _what, _target, _scenes in _UNDONE:
    _garden.add(_name, _what, [(_target, _does_nothing)], scenes=_scenes)


BUGS = _garden.grown()
