"""A Word, Excel or PowerPoint file (ECMA-376) without authors, dates, revisions, templates, and its pictures' EXIF."""

import re
import zipfile

from services.media.decode import strip

_BROKEN = 4
_MOST_ENTRIES = 10_000
_MOST_BYTES = 300_000_000
_PROPERTIES = {
    "docProps/core.xml": (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><cp:coreProperties xmlns:cp='
        b'"http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
    ),
    "docProps/app.xml": (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties xmlns='
        b'"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"/>'
    ),
    "docProps/custom.xml": (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties xmlns='
        b'"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"/>'
    ),
}
# Attributes that name a person, a moment or a machine; their values go, the elements stay.
_NAMES = re.compile(
    rb'(\s(?:w:author|w:initials|w15:author|w15:userId|userName|displayName|userId|initials|lastModifiedBy)=)"[^"]*"'
)
_GONE = re.compile(rb'\s(?:w:date|w:rsid\w*|w16du:dateUtc|dt|dateTime)="[^"]*"')
_AUTHORS = re.compile(rb"<author>[^<]*</author>")
_PATH = re.compile(rb"<x15ac:absPath\b[^>]*/>|<w:rsids>.*?</w:rsids>", re.DOTALL)
_THUMBNAIL = re.compile(rb'<Relationship\b[^>]*Target="/?docProps/thumbnail[^"]*"[^>]*/>')
_TEMPLATE = re.compile(rb'Target="file:[^"]*"')
_PERSON = re.compile(rb'(<p:cmAuthor\b[^>]*\sname=)"[^"]*"')
_WHEN = (1980, 1, 1, 0, 0, 0)  # ZIP's first moment


def main(src: str, out: str) -> int:
    """Write the clean copy. What is no such file, or is too much, ends with code 4."""
    try:
        with zipfile.ZipFile(src) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            entries = given.infolist()
            if len(entries) > _MOST_ENTRIES or sum(each.file_size for each in entries) > _MOST_BYTES:
                return _BROKEN
            for each in entries:
                if _wanted(each.filename):
                    entry = zipfile.ZipInfo(each.filename, _WHEN)
                    made.writestr(entry, _entry(each.filename, given.read(each)), zipfile.ZIP_DEFLATED)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, ValueError, NotImplementedError, OSError):
        return _BROKEN
    return 0


def _wanted(name: str) -> bool:
    """All but the preview picture, and names that would leave the folder they are unpacked into."""
    outside = name.startswith(("/", "\\")) or ".." in name.split("/")
    return not outside and not name.startswith("docProps/thumbnail")


def _entry(name: str, data: bytes) -> bytes:
    if name in _PROPERTIES:
        return _PROPERTIES[name]
    if name.endswith((".xml", ".rels")):
        return _xml(data)
    return strip.jpeg(data)


def _xml(data: bytes) -> bytes:
    for pattern, put in (
        (_NAMES, rb'\1""'),
        (_PERSON, rb'\1""'),
        (_GONE, b""),
        (_AUTHORS, b"<author></author>"),
        (_PATH, b""),
        (_THUMBNAIL, b""),
        (_TEMPLATE, b'Target=""'),
    ):
        data = pattern.sub(put, data)
    return data
