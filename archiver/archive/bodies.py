"""Reads bodies of the vault: compressed, and committed to by their entries."""

from __future__ import annotations

import zstandard

from archiver.archive.chain import commit

_LARGEST_BYTES = 1 << 28  # of a body whose size no entry states


class BodyReader:
    """Never returns bytes that are not what was kept."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor()

    def opened(self, commitment: bytes, salt: bytes | None, body: bytes | None, size: int | None) -> bytes | None:
        """The bytes that a commitment is about; None if the body is absent or holds others.

        `size` is the number of bytes that the entry states, None for any. A damaged frame may announce terabytes, so it
        is compared before memory is taken.
        """
        if not isinstance(salt, bytes) or not isinstance(body, bytes):
            return None
        try:
            announced = zstandard.frame_content_size(body)
            if announced > _LARGEST_BYTES if size is None else announced != size:
                return None
            raw = self._decompressor.decompress(body)
        except (zstandard.ZstdError, MemoryError):
            return None
        return raw if commit(salt, raw) == commitment else None
