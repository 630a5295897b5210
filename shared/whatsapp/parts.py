"""What messages, statuses and account events share: who, which number, which error, which medium.

Sources: Meta, WhatsApp Cloud API, webhooks reference, "messages" pages and "Error codes" (2026-06).
"""

from typing import Annotated

from pydantic import Field

from shared.whatsapp.wire import AliasedWire, Code, Id, Number, Scalar, Stamp, Wire

MediaId = Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^/\\\x00-\x1f]+$")]
"""EUM Social makes it part of an S3 key: no separators, no control characters."""


class Metadata(Wire):
    """Which of our numbers it concerns; `phone_number_id` is the pnid."""

    display_phone_number: str | None = None
    phone_number_id: Id | None = None


class ErrorData(Wire):
    """Details of an error."""

    details: str | None = None
    messaging_product: str | None = None
    blame_field_specs: list[list[str]] | None = None


class MetaError(Wire):
    """An error as Meta reports it asynchronously; what it means for us: `errors.rule`."""

    code: Code | None = None
    title: str | None = None
    message: str | None = None
    type: str | None = None
    href: str | None = None
    details: str | None = None
    error_subcode: Code | None = None
    error_data: ErrorData | None = None


class Head(Wire):
    """The members of a change's value that belong to every item in it."""

    messaging_product: str | None = None
    metadata: Metadata | None = None
    errors: list[MetaError] | None = None


class Profile(Wire):
    """Names a person chose."""

    name: str | None = None
    username: str | None = None
    country_code: str | None = None


class Contact(Wire):
    """A person of the payload; from mid-2026 `wa_id` may be missing and `user_id` (BSUID) be the only key."""

    profile: Profile | None = None
    wa_id: Id | None = None
    user_id: Id | None = None
    parent_user_id: Id | None = None
    identity_key_hash: str | None = None


class Media(Wire):
    """A file; `url` needs Meta's token and is of no use through EUM Social."""

    id: MediaId | None = None
    mime_type: str | None = None
    sha256: str | None = None
    url: str | None = None
    link: str | None = None
    caption: str | None = None
    filename: str | None = None
    file_size: int | None = None
    voice: bool | None = None
    animated: bool | None = None


class ReferredProduct(Wire):
    """The catalogue product a message asks about."""

    catalog_id: Id | None = None
    product_retailer_id: Id | None = None


class Context(AliasedWire):
    """What a message answers, and whether it was forwarded (`frequently_forwarded`: more than 5 hops)."""

    from_: Id | None = Field(default=None, alias="from")
    from_user_id: Id | None = None
    from_parent_user_id: Id | None = None
    id: Id | None = None
    message_id: Id | None = None
    forwarded: bool | None = None
    frequently_forwarded: bool | None = None
    referred_product: ReferredProduct | None = None


class Welcome(Wire):
    """Greeting shown by an advertisement."""

    text: str | None = None


class Referral(Wire):
    """The advertisement or post a person came from; opens a free entry point of 72 h."""

    source_url: str | None = None
    source_id: str | None = None
    source_type: str | None = None
    headline: str | None = None
    body: str | None = None
    media_type: str | None = None
    image_url: str | None = None
    video_url: str | None = None
    thumbnail_url: str | None = None
    ctwa_clid: str | None = None
    welcome_message: Welcome | None = None
    image: Media | None = None
    video: Media | None = None


class Identity(Wire):
    """The sender's security code, where the identity check is on."""

    acknowledged: bool | None = None
    created_timestamp: Stamp | None = None
    hash: str | None = None


class HistoryContext(Wire):
    """State of a message that came with a history synchronization."""

    status: str | None = None
    from_me: bool | None = None


class Text(Wire):
    """Written text."""

    body: str | None = None
    preview_url: bool | None = None


class Location(Wire):
    """A place, in degrees; a chosen place has a name and an address."""

    latitude: Number | None = None
    longitude: Number | None = None
    name: str | None = None
    address: str | None = None
    url: str | None = None


class CardAddress(Wire):
    """Postal address of a contact card."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    country_code: str | None = None
    type: str | None = None


class CardEmail(Wire):
    """E-mail address of a contact card."""

    email: str | None = None
    type: str | None = None


class CardName(Wire):
    """Name on a contact card."""

    formatted_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    middle_name: str | None = None
    suffix: str | None = None
    prefix: str | None = None


class CardOrg(Wire):
    """Employer on a contact card."""

    company: str | None = None
    department: str | None = None
    title: str | None = None


class CardPhone(Wire):
    """Number on a contact card; `wa_id` where it has WhatsApp."""

    phone: str | None = None
    wa_id: str | None = None
    user_id: str | None = None
    type: str | None = None


class CardUrl(Wire):
    """Address of a page on a contact card."""

    url: str | None = None
    type: str | None = None


class Card(Wire):
    """A shared contact card."""

    addresses: list[CardAddress] | None = None
    birthday: str | None = None
    emails: list[CardEmail] | None = None
    name: CardName | None = None
    org: CardOrg | None = None
    phones: list[CardPhone] | None = None
    urls: list[CardUrl] | None = None
    origin: str | None = None
    vcard: str | None = None


class Reaction(Wire):
    """An emoji on a message; absent or empty = taken back."""

    message_id: Id | None = None
    emoji: str | None = None


class Choice(Wire):
    """A pressed button or a chosen list row."""

    id: str | None = None
    title: str | None = None
    description: str | None = None


class FlowReply(Wire):
    """A filled form; `response_json` is JSON in a string, kept as received."""

    response_json: str | None = None
    body: str | None = None
    name: str | None = None


class CallPermission(Wire):
    """Answer to a request to call."""

    response: str | None = None
    expiration_timestamp: Stamp | None = None
    is_permanent: bool | None = None
    response_source: str | None = None


class Interactive(Wire):
    """Answer to a list, buttons or a form."""

    type: str | None = None
    button_reply: Choice | None = None
    list_reply: Choice | None = None
    nfm_reply: FlowReply | None = None
    call_permission_reply: CallPermission | None = None


class Button(Wire):
    """A pressed quick-reply button of a template."""

    payload: str | None = None
    text: str | None = None


class OrderLine(Wire):
    """A product of an order."""

    product_retailer_id: str | None = None
    quantity: Scalar | None = None
    item_price: Scalar | None = None
    currency: str | None = None


class Order(Wire):
    """A shopping cart."""

    catalog_id: Id | None = None
    text: str | None = None
    product_items: list[OrderLine] | None = None


class System(Wire):
    """A change of a person's number, BSUID or security code; carries no `contacts` beside it."""

    body: str | None = None
    type: str | None = None
    wa_id: Id | None = None
    new_wa_id: Id | None = None
    customer: str | None = None
    identity: str | None = None
    user_id: Id | None = None
    parent_user_id: Id | None = None
    previous_user_id: Id | None = None
    previous_parent_user_id: Id | None = None


class UnsupportedDetail(Wire):
    """Which kind of message Meta would not hand over (poll, view-once picture, channel post, ...)."""

    type: str | None = None


class Revoke(Wire):
    """Deleted for everyone (coexistence numbers only)."""

    original_message_id: Id | None = None
