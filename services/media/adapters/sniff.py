"""What a file is by its first bytes: libmagic (Debian package libmagic1) through python-magic."""

import magic


class Libmagic:
    """libmagic's MIME types; the database is loaded once."""

    def __init__(self) -> None:
        self._magic = magic.Magic(mime=True)

    def mime(self, head: bytes) -> str:
        """MIME type of first bytes."""
        return str(self._magic.from_buffer(head))
