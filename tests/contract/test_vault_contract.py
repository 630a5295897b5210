"""The key service's behaviour, the same on the fake and on KMS; and the pepper's road."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from functools import cache
from os import urandom

import pytest
from aiobotocore.session import AioSession

from local import provision
from shared.aws import open_client
from shared.clock import SystemClock
from shared.errors import StopAndPage
from shared.store.memory import MemoryStore
from shared.topology import KMS_ALIAS, Naming
from shared.vault.keys import ContactKeys
from shared.vault.kms import KmsKeys
from shared.vault.memory import MemoryKeys
from shared.vault.port import KeyDestroyedError, KeyMismatchError, KeyService, KeysUnavailableError
from shared.vault.seal import SealBrokenError, place, seal, unseal
from shared.vault.secrets import read_pepper, read_secret
from tests import faultproxy
from tests.engines import unique_prefix
from tests.faultproxy import FaultProxy

CONTEXT = {"contact_id": "p_1"}


@pytest.fixture(scope="module")
def alias_on() -> Callable[[str], str]:
    @cache
    def make(url: str) -> str:
        naming = Naming(unique_prefix())
        provision.key(provision.clients(url)("kms"), naming)
        return f"alias/{naming.name(KMS_ALIAS)}"

    return make


@pytest.fixture(params=["memory", "ministack"])
async def keys(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, alias_on: Callable[[str], str]
) -> AsyncIterator[KeyService]:
    if request.param == "memory":
        yield MemoryKeys(urandom)
        return
    url = request.getfixturevalue(request.param)
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", url)
    async with AsyncExitStack() as stack:
        yield KmsKeys(await open_client(stack, AioSession(), "kms", "us-east-1"), alias_on(url))


async def test_a_data_key_is_unwrapped_under_its_context(keys: KeyService) -> None:
    plain, wrapped = await keys.generate(CONTEXT)
    other, _ = await keys.generate(CONTEXT)
    assert len(plain) == 32
    assert plain != other
    assert plain not in wrapped
    assert await keys.unwrap(wrapped, CONTEXT) == plain


@pytest.mark.parametrize("context", [{}, {"contact_id": "p_2"}, {**CONTEXT, "more": "x"}])
async def test_a_key_of_another_context_is_refused(keys: KeyService, context: dict[str, str]) -> None:
    _, wrapped = await keys.generate(CONTEXT)
    with pytest.raises(KeyMismatchError):
        await keys.unwrap(wrapped, context)


async def test_an_altered_key_opens_nothing(keys: KeyService) -> None:
    """KMS refuses it; ministack does not authenticate what it wraps, and then the seal holds."""
    plain, wrapped = await keys.generate(CONTEXT)
    blob = seal(plain, b"hola", b"here", urandom)
    for altered in (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), wrapped[:20], b"x"):
        with pytest.raises((KeyMismatchError, SealBrokenError)):
            unseal(await keys.unwrap(altered, CONTEXT), blob, b"here")


async def test_a_contacts_content_opens_until_its_key_is_destroyed(keys: KeyService) -> None:
    store = MemoryStore()
    writer, reader = (ContactKeys(keys, store, SystemClock()) for _ in range(2))
    where = place("messages", "c_1", "k")
    blob = seal(await writer.ensure("p_1"), b"hola", where, urandom)
    assert unseal(await reader.key("p_1"), blob, where) == b"hola"
    await writer.destroy("p_1")
    for late in (writer, ContactKeys(keys, store, SystemClock())):
        with pytest.raises(KeyDestroyedError):
            await late.key("p_1")
        with pytest.raises(KeyDestroyedError):
            await late.ensure("p_1")


@pytest.fixture
async def broken(
    ministack: str, monkeypatch: pytest.MonkeyPatch, alias_on: Callable[[str], str]
) -> AsyncIterator[tuple[FaultProxy, KmsKeys]]:
    async with FaultProxy(ministack) as proxy, AsyncExitStack() as stack:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", proxy.url)
        yield proxy, KmsKeys(await open_client(stack, AioSession(), "kms", "us-east-1"), alias_on(ministack))


@pytest.mark.parametrize(
    "fault",
    [
        faultproxy.fail_with(500),
        faultproxy.throttle(),
        faultproxy.refuse("DisabledException"),
        faultproxy.refuse("KMSInvalidStateException"),
        faultproxy.drop_before(),
    ],
)
async def test_no_service_is_told(broken: tuple[FaultProxy, KmsKeys], fault: faultproxy.Fault) -> None:
    proxy, keys = broken
    _, wrapped = await keys.generate(CONTEXT)
    proxy.fail("*", fault, times=None)
    with pytest.raises(KeysUnavailableError):
        await keys.generate(CONTEXT)
    with pytest.raises(KeysUnavailableError):
        await keys.unwrap(wrapped, CONTEXT)


async def test_the_pepper_comes_from_its_secret(ministack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, value = f"{unique_prefix()}pepper", urandom(32)
    manager = provision.clients(ministack)("secretsmanager")
    provision.secret(manager, name, value)
    manager.create_secret(Name=f"{name}-text", SecretString="ñandú")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", ministack)
    async with AsyncExitStack() as stack:
        client = await open_client(stack, AioSession(), "secretsmanager", "us-east-1")
        assert await read_secret(client, name) == value
        assert await read_secret(client, f"{name}-text") == "ñandú".encode()
        assert (await read_pepper(client, name)).alias("phone", "525512345678").startswith("phone#")
        with pytest.raises(ValueError, match="alias pepper"):
            await read_pepper(client, f"{name}-text")
        with pytest.raises(StopAndPage):
            await read_secret(client, f"{name}-none")
