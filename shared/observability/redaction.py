"""Last defence against personal data and secrets in text that leaves the process: pure.

It is no licence to log them: each hit is a defect, counted and to be removed at its source. Account ids of
Meta (15 digits) cannot be told from phone numbers and are redacted too; log a number's configured name.
"""

import re

_PATTERNS = {
    "wamid": r"wamid\.[A-Za-z0-9+/=_-]+",
    "jwt": r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "bearer": r"(?i:bearer)\s+[A-Za-z0-9._~+/=-]{8,}",
    "aws_key": r"(?:AKIA|ASIA)[A-Z0-9]{16}",
    "slack": r"xox[abeprs]-[A-Za-z0-9-]{8,}|hooks\.slack\.com/services/\S+",
    "meta_token": r"EAA[A-Za-z0-9]{20,}",
    "telegram": r"\d{8,10}:[A-Za-z0-9_-]{35}",
    "signed_url": r"(?i:[?&](?:x-amz-signature|x-amz-credential|x-amz-security-token|signature|key-pair-id|policy|token|sig))=[^\s&\"']+",
    # E.164: at most 15 digits (ITU-T E.164); with a plus it may be grouped, without it must stand alone, so
    # that ids, order keys (`.` and `-` beside digits) and times inside them are left in peace.
    "phone": r"\+\d[\d ().-]{7,18}\d|(?<![\w.:-])\d{10,15}(?![\w.-]*\d)(?![\w-])",
}
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items()))
RULES = tuple(_PATTERNS)


def redact(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without what looks personal or secret, and the rules that struck, one a hit."""
    struck: list[str] = []

    def cover(match: re.Match[str]) -> str:
        rule = match.lastgroup or ""
        struck.append(rule)
        return f"[redacted:{rule}]"

    return _ANY.sub(cover, text), tuple(struck)
