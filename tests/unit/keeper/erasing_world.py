"""A morning of two people, of whom one is to be erased, and how nothing of hers looks."""

from tests.unit.ingest.desk import ANA, change, envelope, said
from tests.unit.keeper.keeper_world import (
    LUIS,
    Keep,
    attach,
    index,
    message_of,
    messages,
    says,
    stamp,
    stored,
)

NONCES = (b"secreto-uno", b"secreto-dos", b"Anastasia", b"bytes of ana", ANA.encode())


async def morning(k: Keep) -> str:
    """Ana and Luis write, some of it in one envelope, with files of which one is shared; Ana's contact_id."""
    first = await says(k, "wamid.a1", "secreto-uno", name="Anastasia")
    other = await says(k, "wamid.l1", "de luis", who=LUIS)
    k.world.clock.ms += 1000
    both = [said("wamid.a2", "secreto-dos"), {**said("wamid.l2", "tambien luis"), "from": LUIS}]
    cards = [
        {"profile": {"name": who}, "wa_id": number} for who, number in (("Anastasia", ANA), ("Luis", LUIS))
    ]
    await k.desk.receive(envelope(change(contacts=cards, messages=both), at=stamp(k.world.clock.ms)))
    await attach(k, first, b"bytes of ana")
    await attach(k, first, b"shared bytes", n=1)
    await attach(k, other, b"shared bytes")
    for wamid in ("wamid.a1", "wamid.a2", "wamid.l1", "wamid.l2"):
        index(k, await message_of(k, wamid))
    await k.ports["dlq"].send(envelope(change(messages=[{**said("wamid.p"), "text": 7}])), {"reason": "x"})
    return str(first["contact_id"])


async def assert_clean(k: Keep, ana: str) -> None:
    everything = await stored(k)
    assert [nonce for nonce in NONCES if nonce in everything] == []
    assert b"tambien luis" in everything
    assert b"shared bytes" in everything
    for item in await k.world.items("messages"):
        if item.get("key_id") == ana:
            assert not {"sealed", "sealed_ref"} & item.keys()
            assert item.get("erased")
    luis = (await message_of(k, "wamid.l1"))["contact_id"]
    assert luis != ana
    opened = [await k.world.record.reader.open(m) for m in await messages(k) if m["contact_id"] == luis]
    assert {each.message["text"]["body"] for each in opened} == {"de luis", "tambien luis"}
    assert {owner for owner, _ in k.search.messages.values()} == {luis}
    assert k.search.threads
    assert not any(owner == ana for owner, _ in k.search.threads.values())
