"""What erasure leaves to media: bytes deleted just as the same ones come again, renditions of what is gone."""

import asyncio
import hashlib
from random import Random

from shared import topology
from shared.due import due_item
from shared.objects.cdn import ORIGINAL, served_key
from shared.store.port import Key
from sim.clock import EPOCH_MS
from sim.servers import Servers

LOOK_S = 0.05
GONE = 4


async def deleted_meanwhile(servers: Servers, seconds: float) -> None:
    """The keeper's last deletion of some bytes comes between their copy and their new reference, once a file."""
    bucket, loop = servers.buckets[topology.MEDIA_BUCKET], asyncio.get_running_loop()
    done: dict[str, None] = {}
    while loop.time() < seconds:
        await asyncio.sleep(LOOK_S)
        for key in [info.key async for info in bucket.list("served/") if info.key.endswith(f"/{ORIGINAL}")]:
            sha256 = key.split("/")[2]
            page = await servers.store.query("media", sha256, Key("sk").begins_with("ref#"))
            if not page.items and sha256 not in done:
                await bucket.delete(key)
            done[sha256] = None


async def late_renditions(servers: Servers, rng: Random, seconds: float) -> None:
    """Files whose message was erased while their renditions were owed, one put there at the last moment."""
    for number in range(GONE):
        await asyncio.sleep(rng.uniform(0, seconds / GONE))
        sha256 = hashlib.sha256(f"{number}".encode()).hexdigest()
        await servers.buckets[topology.MEDIA_BUCKET].put(served_key(sha256, "thumb.webp"), b"late")
        now_ms = EPOCH_MS + int(asyncio.get_running_loop().time() * 1000)
        place = {"conversation_id": "c_gone", "order_key": f"{number}", "position": 0, "sha256": sha256}
        await servers.store.write(due_item("media", now_ms, "render", f"i_gone{number}#0", **place))
