"""Sealed JSON of the record: under one person's key, bound to its table and key, large ones in the raw bucket."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.objects.port import Objects
from shared.record.codec import dumps, loads
from shared.store.port import Item
from shared.vault.keys import ContactKeys
from shared.vault.seal import place, seal, unseal

INLINE_BYTES = 64 * 1024  # CONTRACTS s.2: beyond this the item holds a pointer to S3


class Sealing:
    """Seals and opens JSON values.

    Args:
        raw: the raw bucket; large sealed values lie under `sealed/`.
        random_bytes: `Ids.bytes`.
    """

    def __init__(self, keys: ContactKeys, raw: Objects, random_bytes: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._raw = raw
        self._bytes = random_bytes

    async def blob(self, key_id: str, value: Any, table: str, pk: str, sk: str = "-") -> bytes:
        """The sealed bytes of a value for its place. Raises KeyDestroyedError, KeysUnavailableError."""
        return seal(await self._keys.key(key_id), dumps(value), place(table, pk, sk), self._bytes)

    async def fields(self, key_id: str, value: Any, table: str, pk: str, sk: str) -> Mapping[str, Any]:
        """`sealed`, or `sealed_ref` where the value is large, for an item at this place."""
        blob = await self.blob(key_id, value, table, pk, sk)
        if len(blob) <= INLINE_BYTES:
            return {"sealed": blob}
        # The nonce makes each sealing its own object: a second try never points at another one's bytes.
        key = f"sealed/{table}/{pk}/{blob[1:13].hex()}"
        await self._raw.put(key, blob)
        return {"sealed_ref": key}

    async def open(self, key_id: str, blob: bytes, table: str, pk: str, sk: str = "-") -> Any:
        """The value of sealed bytes. Raises KeyDestroyedError, KeysUnavailableError, SealBrokenError."""
        return loads(unseal(await self._keys.key(key_id), blob, place(table, pk, sk)))

    async def open_item(self, table: str, item: Item) -> Any:
        """The value an item holds or points at; None where it holds nothing sealed."""
        blob = item.get("sealed")
        if blob is None and "sealed_ref" in item:
            blob = await self._raw.get(item["sealed_ref"])
        if blob is None:
            return None
        return await self.open(item["key_id"], blob, table, item["pk"], item["sk"])
