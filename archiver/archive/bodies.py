"""Compresses and opens bodies of the vault, which their entries commit to."""

from __future__ import annotations

import hashlib
import sqlite3

import zstandard
from zstandard import ZstdCompressionDict, ZstdCompressor, ZstdDecompressor

from archiver.archive import dictionary
from archiver.archive.chain import is_committed

_LARGEST_BYTES = 1 << 28  # of a body whose size no entry states
_LEVEL = 3


def dictionary_of(body: bytes) -> int:
    """The id of the dictionary that a body is compressed with; 0 if it is without one, or is no frame."""
    try:
        return zstandard.get_frame_parameters(body).dict_id
    except zstandard.ZstdError:
        return 0


class BodyWriter:
    """Compresses with the archive's dictionary, as soon as there is one."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._compressor: ZstdCompressor | None = None
        self._dictionary_id = 0

    def forget(self) -> None:
        """Reads the dictionary again before the next use: the file may have another one, or none, after a rollback."""
        self._compressor = None

    @property
    def dictionary_id(self) -> int:
        """The id of the dictionary that bodies are compressed with; 0 if there is none."""
        self._loaded()
        return self._dictionary_id

    def compress(self, raw: bytes) -> bytes:
        return self._loaded().compress(raw)

    def _loaded(self) -> ZstdCompressor:
        if self._compressor is None:
            content = dictionary.read(self._connection)
            dict_data = ZstdCompressionDict(content) if content is not None else None
            if dict_data is not None:
                dict_data.precompute_compress(level=_LEVEL)
            self._dictionary_id = dict_data.dict_id() if dict_data is not None else 0
            self._compressor = ZstdCompressor(level=_LEVEL, dict_data=dict_data)
        return self._compressor


class BodyReader:
    """Never returns bytes that are not what was kept."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._plain = ZstdDecompressor()
        self._by_dictionary: tuple[int, ZstdDecompressor] | None = None

    def opened(self, commitment: bytes, salt: bytes | None, body: bytes | None, size: int) -> bytes | None:
        """The bytes that a commitment is about; None if the body is absent or holds others. `size` is the number of
        bytes that the entry states.
        """
        if not isinstance(salt, bytes) or not isinstance(body, bytes):
            return None
        raw = self._decompressed(body, least=size, most=size)
        return raw if raw is not None and is_committed(commitment, salt, raw) else None

    def quarantined(self, digest: bytes, body: bytes) -> bytes | None:
        """The bytes of a record in quarantine, whose SHA-256 is `digest`; None if the body holds others."""
        raw = self._decompressed(body, least=0, most=_LARGEST_BYTES)
        return raw if raw is not None and hashlib.sha256(raw).digest() == digest else None

    def _decompressed(self, body: bytes, *, least: int, most: int) -> bytes | None:
        """The content of a frame. A damaged one may announce terabytes, so that is compared before memory is taken."""
        try:
            frame = zstandard.get_frame_parameters(body)
            if not least <= frame.content_size <= most:
                return None
            reader = self._reader(frame.dict_id) if frame.dict_id else self._plain
            return reader.decompress(body) if reader else None
        except (zstandard.ZstdError, MemoryError):
            return None

    def _reader(self, dictionary_id: int) -> ZstdDecompressor | None:
        """Reads with the archive's dictionary, which another process may have added, or which a rollback took back;
        None if it has another.
        """
        if self._by_dictionary is None or self._by_dictionary[0] != dictionary_id:
            content = dictionary.read(self._connection, dictionary_id)
            if content is None:
                return None
            self._by_dictionary = dictionary_id, ZstdDecompressor(dict_data=ZstdCompressionDict(content))
        return self._by_dictionary[1]
