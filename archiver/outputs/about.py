"""What a package of evidence says of the question and of the archive that answered it."""

from __future__ import annotations

from typing import Any

from archiver import __version__
from archiver.app import Archive
from archiver.outputs.worth import worth_json
from archiver.query import TOKENS_VERSION, Query
from archiver.transcript import VERSION


def about_json(archive: Archive, query: Query) -> dict[str, Any]:
    """The query and how it was understood, what the answer is worth, and which archive and program gave it. It speaks
    of the moment of the archive's newest entry, so that the same archive says the same again.
    """
    search = archive.search(query, limit=0)
    worth = search.assurance(archive.file.vault.newest_at() or archive.now())
    return {
        "question": {
            "query": query.text, "understood": worth.understood, "results": search.total, "notices": search.notices,
        },
        "worth": worth_json(worth),
        "archive": {
            "account": archive.file.account, "id": archive.file.id, "head": archive.file.vault.noted_head(),
            "quarantined": archive.file.vault.count_quarantined(),
        },
        "made_by": {"archiver": __version__, "transcripts": VERSION, "words": TOKENS_VERSION},
    }  # fmt: skip
