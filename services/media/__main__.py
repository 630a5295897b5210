"""Composition root of media: `python -m services.media`."""

from services.media.adapters.eum import EumSource
from services.media.adapters.sniff import Libmagic
from services.media.handlers import Media
from services.media.ledger import Ledger
from services.media.settings import MediaSettings
from shared import topology
from shared.bus.port import BusUnavailableError
from shared.bus.sns import SnsBus
from shared.objects.port import ObjectsUnavailableError
from shared.objects.s3 import S3Objects
from shared.record.build import build
from shared.service import App, run
from shared.store.dynamo import DynamoStore
from shared.store.port import ContendedError, StoreUnavailableError
from shared.vault.kms import KmsKeys
from shared.vault.port import KeysUnavailableError
from shared.vault.secrets import read_pepper

NAME = "media"


async def compose(app: App[MediaSettings]) -> None:
    """Build media out of the app's parts."""
    settings, naming = app.settings, app.settings.naming
    store = DynamoStore(await app.client("dynamodb"), naming)
    s3 = await app.client("s3")
    raw = S3Objects(s3, naming.bucket(topology.RAW_BUCKET, settings.account))
    bucket = S3Objects(s3, naming.bucket(topology.MEDIA_BUCKET, settings.account))
    keys = KmsKeys(await app.client("kms"), f"alias/{naming.name(topology.KMS_ALIAS)}")
    pepper = await read_pepper(await app.client("secretsmanager"), naming.name(topology.PEPPER_SECRET))
    sns = await app.client("sns")
    topic = naming.topic_arn(topology.DESK_EVENTS, settings.region, settings.account)
    bus = SnsBus(sns, topic)
    record = build(store, raw, keys, pepper, app.clock, app.ids, service=NAME)
    media = Media(
        record.reader,
        Ledger(store, app.clock, app.ids),
        EumSource(await app.client("socialmessaging"), settings.numbers, bucket.bucket),
        Libmagic(),
        bucket,
        bus,
        app.clock,
        app.ids,
        app.metrics,
    )
    breakers = [
        app.breaker(
            "dynamodb", (StoreUnavailableError, ContendedError), lambda: store.get("leases", "probe")
        ),
        app.breaker("s3", (ObjectsUnavailableError,), lambda: bucket.head("probe")),
        app.breaker("kms", (KeysUnavailableError,), lambda: keys.generate({"contact_id": "probe"})),
        app.breaker("sns", (BusUnavailableError,), lambda: sns.get_topic_attributes(TopicArn=topic)),
    ]
    app.worker(await app.queue(NAME), media.handle, breakers=breakers, concurrency=settings.concurrency)


def main() -> None:
    """Run until a signal."""
    run(NAME, MediaSettings, compose)


if __name__ == "__main__":
    main()
