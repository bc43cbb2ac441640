"""What is exported: one conversation at a time, the same for every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

from archiver.archive import Record
from archiver.errors import RecordError
from archiver.model import Transcript
from archiver.value import Value

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class Item(Value):
    """A conversation with its record. `transcript` is None if the record can't be read, for the reason `fault`."""

    record: Record
    transcript: Transcript | None
    fault: str | None = None

    @property
    def id(self) -> str:
        return self.record.conversation_id

    @property
    def file_stem(self) -> str:
        """A file name for it without a suffix: its id, or a digest of an id that no file system would take."""
        is_plain = _PLAIN_NAME.fullmatch(self.id) and not self.id.endswith(".")
        return self.id if is_plain else f"id-{sha256(self.id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def items(records: Iterable[Record], read: Callable[[Record], Transcript]) -> Iterator[Item]:
    """The conversations of records, in their order. None is left out: of a record that can't be read, the item says
    why.
    """
    for record in records:
        try:
            yield Item(record, read(record))
        except RecordError as error:
            yield Item(record, None, error.message)
