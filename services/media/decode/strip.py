"""A JPEG's own metadata cut out without decoding it: for pictures inside documents. ITU-T T.81 annex B."""

import struct

# APP0 (JFIF) and APP14 (Adobe: how colours are coded) say how to read the pixels; APP2 may be a colour profile.
_KEPT_APPS = frozenset({0xE0, 0xE2, 0xEE})
_FIRST_APP, _LAST_APP, _COMMENT, _SCAN = 0xE0, 0xEF, 0xFE, 0xDA


def jpeg(data: bytes) -> bytes:
    """The picture without EXIF, XMP, IPTC and comments; what is no JPEG comes back as it is."""
    if not data.startswith(b"\xff\xd8"):
        return data
    out, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:  # noqa: PLR2004 - a marker's first byte
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        metadata = _FIRST_APP <= marker <= _LAST_APP and marker not in _KEPT_APPS
        if not metadata and marker != _COMMENT:
            out.append(data[at : at + 2 + length])
        at += 2 + length
    return b"".join([*out, data[at:]])
