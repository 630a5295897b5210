"""From an owed attempt to the blob that is sent: content opened, files given to Meta, address found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.forwarder.gateway.standing import Sending
from services.forwarder.ports import Whatsapp
from shared.errors import Poison
from shared.ids import attempt_id
from shared.objects.cdn import ORIGINAL, served_key
from shared.policy.guard import Kind
from shared.record.reader import Reader
from shared.record.shape import DeliveryItem
from shared.store.port import Item
from shared.whatsapp.outgoing import parse, to_blob

UNUSABLE = frozenset({"failed", "quarantined"})


@dataclass(frozen=True, slots=True)
class Letter:
    """A message ready to be sent; `contact_id` is the surviving contact's, `window_ends_at` (ms) the thread's.

    `template`: name and language of the template it is, if it is one.
    """

    pnid: str
    contact_id: str
    kind: Kind
    blob: bytes
    window_ends_at: int | None
    template: tuple[str, str] | None = None

    def sending(self, item: DeliveryItem) -> Sending:
        """What the guard is asked about."""
        where = (self.kind, self.pnid, item["conversation_id"], self.contact_id)
        return Sending(*where, self.window_ends_at, self.template)


class Letters:
    """Writes letters."""

    def __init__(self, reader: Reader, whatsapp: Whatsapp) -> None:
        self._reader = reader
        self._whatsapp = whatsapp

    async def write(self, item: DeliveryItem, message: Item) -> Letter:
        """The letter of an attempt.

        Raises Poison where it can never be sent (its reason is kept with the attempt), NotSentError and
        RejectedError of the upload.
        """
        content = await self._reader.open(message)
        known = await self._reader.contact(message["contact_id"]) if message["contact_id"] else None
        if content.erased or (known and known[0].get("erased")):
            raise Poison("erased")
        if known is None:
            raise Poison("no_recipient")
        form = await self._with_files(message, dict(content.message))
        attempt = attempt_id(item["message_id"], int(item["part"]))
        root, details = known
        blob = to_blob(parse(form), attempt, to=details.get("wa_id"), recipient=details.get("user_id"))
        kind: Kind = "template" if form.get("type") == "template" else "free"
        thread = await self._reader.thread(message["pk"], root)
        ends = thread.window_ends_at if thread else None
        return Letter(message["pnid"], root["pk"], kind, blob, ends, _template(form))

    async def _with_files(self, message: Item, form: dict[str, Any]) -> Mapping[str, Any]:
        """Meta's id in place of our file: an id is good for one number, so each attempt uploads its own."""
        for medium in message["media"]:
            if medium["state"] in UNUSABLE:
                raise Poison("media_" + medium["state"])
            key = served_key(medium["sha256"], medium.get("sends", ORIGINAL))
            media_id = await self._whatsapp.upload(message["pnid"], key)
            form[form["type"]] = {**form[form["type"]], "id": media_id}
        return form


def _template(form: Mapping[str, Any]) -> tuple[str, str] | None:
    if form.get("type") != "template":
        return None
    template = form["template"]
    return str(template["name"]), str(template["language"]["code"])
