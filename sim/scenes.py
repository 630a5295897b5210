"""What may happen in a world beside the ordinary morning, and which side effects are reached only by it."""

from collections.abc import Iterable
from enum import StrEnum
from random import Random

from sim.cells import Site


class Scene(StrEnum):
    """Something that not every morning has."""

    BURST = "one person writes thirty messages at once while a destination is down"
    DOUBT = "most sends stay unconfirmed, so that a person repeats them"
    LOCKED = "Meta locks the account now and then"
    HUGE = "texts too long for an item of the record"
    PHOTO = "an agent sends on a picture"
    QUOTA = "media may not be fetched for three quarters of a minute"
    PHONE = "the newsroom also writes from its own phone; statuses overtake the echoes"
    STRANGER = "a status names a stranger, who is erased before the message comes"
    MERGED = "two contacts turn out to be one person"
    RELATED = "reactions, edits and revokes, some ahead of what they speak about"
    REACTS = "agents react and press every button twice"
    LATECOMER = "consoles follow the log from its beginning while the desk restarts"
    RUBBISH = "everything that nobody should publish"
    OUTAGE = "one dependency of one service is down for a while"
    SWEPT = "files are deleted while the same bytes come again"
    CONNECT = "agents also chat in Amazon Connect"
    COVERED = "what people take back is hidden"
    CROWD = "people write for the first time, several messages at the same moment"
    RENAMED = "people call themselves otherwise"
    FLURRY = "an agent sends one person more than may go at once"
    HURRY = "replies in a row, while each send takes seconds"
    LOST = "answers of the desk are lost on the way"
    UNNAMED = "most statuses name no attempt"
    SPOILT = "something unreadable stands beside what people write"
    TIRED = "one part of the product fails far more often than the others"
    SLOW = "destinations take seconds for each of the many messages of one person"
    UNSAID = "what became of a file is often not asked in time, so that it is done and not told"
    UPLOADS = "agents send files of their own"
    NOTES = "people send voice notes, and somebody reads what is said in them"
    OVERDRAWN = "people have used up what a day may cost"
    ERASED = "somebody is erased, comes back, and a restore brings back what was; another one is held"
    AGED = "what is kept has reached its end"
    CALM = "nothing goes wrong, so that nothing may be late"


# How often a world has a scene that no wanted cell asks for; what is not listed: as often as SELDOM says.
SHARE = {
    Scene.DOUBT: 0.33,
    Scene.LOCKED: 0.25,
    Scene.PHOTO: 0.5,
    Scene.BURST: 0.03,  # the dear ones seldom: a world costs what moves in it
    Scene.FLURRY: 0.02,
    Scene.CROWD: 0.05,
    Scene.HURRY: 0.05,
    Scene.NOTES: 0.06,
    Scene.ERASED: 0.05,
    Scene.AGED: 0.05,
}
SELDOM = 0.125
# (file, function) -> the scenes without which a world seldom or never gets to its side effects.
ENABLING: dict[tuple[str, str], tuple[Scene, ...]] = {
    ("services/desk/log.py", "reaches"): (Scene.LATECOMER,),
    ("services/desk/media.py", "_over_budget"): (Scene.NOTES, Scene.QUOTA),
    ("shared/record/files.py", "drop"): (Scene.ERASED,),
    ("shared/record/files.py", "_hash"): (Scene.ERASED,),
    ("shared/record/files.py", "_unclaimed"): (Scene.ERASED,),
    ("services/media/uploads.py", "_stand"): (Scene.UPLOADS, Scene.SWEPT),
    ("services/media/budgets.py", "_owe"): (Scene.OVERDRAWN,),
    ("services/media/handlers.py", "on_due"): (Scene.OVERDRAWN,),
    ("services/desk/replies.py", "attempts"): (Scene.DOUBT,),
    ("services/forwarder/gateway/handlers.py", "_lane"): (Scene.PHOTO,),
    ("services/forwarder/gateway/letter.py", "_with_files"): (Scene.PHOTO,),
    ("services/ingest/parked.py", "park"): (Scene.RUBBISH,),
    ("services/ingest/verdicts.py", "_write"): (Scene.LOCKED,),
    ("services/search/indexer.py", "erased"): (Scene.STRANGER,),
    ("services/media/handlers.py", "_finish"): (Scene.SWEPT,),
    ("services/media/ledger.py", "served_as"): (Scene.SWEPT,),
    ("services/media/readings.py", "of_another"): (Scene.SWEPT,),
    ("services/media/renderer.py", "read"): (Scene.UNSAID, Scene.PHOTO),
    ("services/media/renderer.py", "_sweep"): (Scene.SWEPT,),
    ("shared/lanes/runner.py", "run"): (Scene.BURST,),
    ("shared/queue/breaker.py", "attempt"): (Scene.OUTAGE,),
    ("shared/queue/worker.py", "_settle"): (Scene.QUOTA,),
    ("shared/record/changes.py", "_cover"): (Scene.COVERED,),
    ("shared/record/changes.py", "take_back"): (Scene.AGED,),
    ("shared/record/connect.py", "keep"): (Scene.CONNECT,),
    ("shared/record/connect.py", "of"): (Scene.CONNECT,),
    ("shared/record/connect.py", "chat"): (Scene.CONNECT,),
    ("shared/record/keep.py", "_written"): (Scene.MERGED,),
    ("shared/record/reader.py", "_union"): (Scene.MERGED,),
    ("shared/record/keep.py", "_settled"): (Scene.PHONE,),
    ("shared/record/keep.py", "_related"): (Scene.RELATED,),
    ("shared/record/keep.py", "_relation"): (Scene.RELATED,),
    ("shared/record/outbound.py", "_again"): (Scene.REACTS,),
    ("shared/record/outbound.py", "_target"): (Scene.REACTS,),
    ("shared/record/people.py", "root"): (Scene.MERGED,),
    ("shared/record/reader.py", "_fold"): (Scene.RELATED,),
    ("shared/record/sealing.py", "fields"): (Scene.HUGE,),
    ("shared/record/sealing.py", "open_item"): (Scene.HUGE,),
    ("shared/record/statuses.py", "_kept"): (Scene.PHONE,),
    ("shared/record/statuses.py", "_left"): (Scene.PHONE,),
    ("shared/record/waits.py", "listed"): (Scene.PHONE,),
}

# The same for all of a file, or of a folder, of which ENABLING says nothing else.
WHOLE: dict[str, tuple[Scene, ...]] = {
    "services/desk/media.py": (Scene.NOTES,),
    "services/desk/origins.py": (Scene.NOTES,),
    "services/desk/transcripts.py": (Scene.NOTES,),
    "services/desk/uploads.py": (Scene.UPLOADS,),
    "services/media/beside.py": (Scene.NOTES,),
    "services/media/transcription.py": (Scene.NOTES,),
    "services/media/uploads.py": (Scene.UPLOADS,),
    "services/ingest/archived.py": (Scene.ERASED, Scene.AGED),
    "services/ingest/keeper/retention.py": (Scene.AGED,),
    "services/ingest/keeper/withdrawn.py": (Scene.AGED,),
    "services/ingest/keeper/leaving.py": (Scene.AGED,),
    "services/ingest/keeper/": (Scene.ERASED,),
    "shared/lease.py": (Scene.ERASED,),
    "shared/record/erasure.py": (Scene.ERASED,),
    "shared/record/files.py": (Scene.UPLOADS,),
    "shared/record/holds.py": (Scene.ERASED,),
    "shared/record/ledger.py": (Scene.ERASED,),
    "shared/record/retention.py": (Scene.AGED,),
}

# (file, function) whose side effects come late or seldom even then: worlds want them more often than the others.
SHY = frozenset(
    {
        ("services/ingest/keeper/looking.py", "repair"),
        ("services/ingest/keeper/shift.py", "_expire"),
        ("services/media/handlers.py", "_finish"),
        ("services/media/uploads.py", "_settle"),
        ("services/media/uploads.py", "_stand"),
        ("shared/lease.py", "_let_go"),
        ("shared/record/files.py", "release"),
        ("shared/record/people.py", "arranged"),
        ("shared/record/waits.py", "listed"),
    }
)

# What may also happen in a world in which nothing goes wrong.
QUIET = frozenset(
    {Scene.HUGE, Scene.PHOTO, Scene.RELATED, Scene.REACTS, Scene.RUBBISH, Scene.CROWD, Scene.RENAMED}
    | {Scene.FLURRY, Scene.HURRY, Scene.LOCKED, Scene.SLOW, Scene.CALM}
)


def drawn(seed: int) -> frozenset[Scene]:
    """The scenes of a seed."""
    rng = Random(f"scenes:{seed}")  # noqa: S311 - reproducible
    return frozenset([scene for scene in Scene if rng.random() < SHARE.get(scene, SELDOM)]) - {Scene.CALM}


def enabling(sites: Iterable[Site]) -> frozenset[Scene]:
    """The scenes that lead to some sites."""
    return frozenset([scene for site in sites for scene in _leading(site)])


def _leading(site: Site) -> tuple[Scene, ...]:
    whole = [scenes for path, scenes in WHOLE.items() if site.path.startswith(path)]
    return ENABLING.get((site.path, site.function), whole[0] if whole else ())
