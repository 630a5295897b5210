"""Whether CloudFront would honour a signed URL: pure checks of policy, time, resource, address and signature.

Source: docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/, pages
private-content-creating-signed-url-canned-policy and -custom-policy: RSA-SHA1 over the policy without white
space, base64 with `+=/` written as `-_~`; `DateLessThan` is required, the resource of a custom policy may hold
`*` and `?`.
"""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_public_key

OURS = ("Expires", "Policy", "Signature", "Key-Pair-Id")


class DeniedError(Exception):
    """CloudFront answers 403; the text is its error code."""


def load_key(pem: str) -> rsa.RSAPublicKey:
    """The distribution's public key. Raises ValueError for anything but RSA."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("TWIN_CDN_PUBLIC_KEY: CloudFront's signed URLs here need an RSA key")  # noqa: TRY004 - a wrong value
    return key


def resource_of(url: str) -> str:
    """The URL that was signed: without CloudFront's own parameters, everything else as it stands."""
    parts = urlsplit(url)
    kept = [p for p in parts.query.split("&") if p and p.partition("=")[0] not in OURS]
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join(kept), ""))


def check(
    url: str, query: Mapping[str, str], keys: Mapping[str, rsa.RSAPublicKey], now_s: float, address: str
) -> None:
    """Let a request pass. Raises DeniedError where CloudFront would answer 403."""
    if not {"Signature", "Key-Pair-Id"} <= query.keys() or ("Expires" in query) == ("Policy" in query):
        raise DeniedError("MissingKey")
    key = keys.get(query["Key-Pair-Id"])
    if key is None:
        raise DeniedError("InvalidKey")
    resource = resource_of(url)
    policy = _canned(resource, query["Expires"]) if "Expires" in query else _decoded(query["Policy"])
    _verify(key, query["Signature"], policy)
    _permit(_statement(policy), resource, now_s, address)


def _canned(resource: str, expires: str) -> bytes:
    if not expires.isascii() or not expires.isdigit():
        raise DeniedError("MalformedExpires")
    return (
        f'{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":'
        f'{{"AWS:EpochTime":{expires}}}}}}}]}}'
    ).encode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")), validate=True)
    except (binascii.Error, ValueError):
        raise DeniedError("MalformedPolicy") from None


def _verify(key: rsa.RSAPublicKey, signature: str, policy: bytes) -> None:
    try:
        key.verify(_decoded(signature), policy, padding.PKCS1v15(), SHA1())  # noqa: S303 - what CloudFront checks
    except InvalidSignature:
        raise DeniedError("AccessDenied") from None


def _statement(policy: bytes) -> dict[str, Any]:
    try:
        (statement,) = json.loads(policy)["Statement"]
        return {"Resource": statement.get("Resource", "*"), "Condition": statement["Condition"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DeniedError("MalformedPolicy") from None


def _permit(statement: dict[str, Any], resource: str, now_s: float, address: str) -> None:
    condition = statement["Condition"]
    end, start = _epoch(condition, "DateLessThan"), _epoch(condition, "DateGreaterThan")
    if end is None or now_s >= end or (start is not None and now_s <= start):
        raise DeniedError("AccessDenied")
    source = condition.get("IpAddress", {}).get("AWS:SourceIp")
    if source and ipaddress.ip_address(address) not in ipaddress.ip_network(source, strict=False):
        raise DeniedError("AccessDenied")
    if not _matches(str(statement["Resource"]), resource):
        raise DeniedError("AccessDenied")


def _epoch(condition: dict[str, Any], name: str) -> int | None:
    value = condition.get(name, {}).get("AWS:EpochTime")
    return value if isinstance(value, int) else None


def _matches(pattern: str, resource: str) -> bool:
    parts: Sequence[str] = re.split(r"([*?])", pattern)
    wild = {"*": ".*", "?": "."}
    return re.fullmatch("".join(wild.get(p, re.escape(p)) for p in parts), resource, re.DOTALL) is not None
