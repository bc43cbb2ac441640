"""A certificate as a page that a browser shows and prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from archiver.visible import safe

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Certificate: {heading}</title>
<style>
body {{ font: 11pt/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #111; }}
h1 {{ font-size: 1.6rem; border-bottom: 3px solid {colour}; padding-bottom: .3rem; }}
h2 {{ font-size: 1.05rem; margin: 1.4rem 0 .3rem; }}
dl {{ display: grid; grid-template-columns: 16rem 1fr; gap: .15rem 1rem; margin: 0; }}
dt {{ color: #444; }} dd {{ margin: 0; overflow-wrap: anywhere; }} li {{ margin: .2rem 0; }}
@page {{ margin: 20mm; }}
</style>
</head>
<body>
<h1>{heading}</h1>
{parts}
</body>
</html>
"""


def certificate_html(certificate: Mapping[str, Any]) -> str:
    """The page."""
    is_proven = certificate["heading"] == "PROVEN"
    return _PAGE.format(
        heading=_text(certificate["heading"]), colour="#1f6f43" if is_proven else "#8a1c1c",
        parts="\n".join(_parts(certificate)),
    )  # fmt: skip


def _parts(certificate: Mapping[str, Any]) -> Iterator[str]:
    question, found, examined = certificate["question"], certificate["found"], certificate["examined"]
    if certificate["reasons"]:
        reasons = "".join(f"<li>{_text(item)}</li>" for item in certificate["reasons"])
        yield f"<p>This proves nothing, because:</p><ul>{reasons}</ul>"
    yield _list(
        "Question",
        ("Query", question["query"] or "everything"), ("Read as", question["understood"]),
        ("Conversations that started", _span(question["span"])), ("Days are those of", question["zone"]),
    )  # fmt: skip
    remarks = "".join(f"<li>{_text(item)}</li>" for item in question["notices"])
    if remarks:
        yield f"<h2>To know about the query</h2><ul>{remarks}</ul>"
    yield _list("Found", ("Conversations", f"{found['conversations']:,}"), ("Messages", f"{found['messages']:,}"))
    yield _list(
        "Examined",
        ("Conversations", f"{examined['conversations']:,}"), ("Messages", f"{examined['messages']:,}"),
        ("Days proven by LivePerson's counts", f"{examined['proven_days']:,} of {examined['days']:,}"),
    )  # fmt: skip
    yield _list("Not searched", *_not_searched(certificate["not_searched"]))
    yield _list(
        "Archive",
        ("LivePerson account", certificate["archive"]["account"]), ("Archive", certificate["archive"]["id"]),
        ("Head", certificate["archive"]["head"]), ("Made", certificate["at"]),
        ("Made by", f"archiver {certificate['made_by']['archiver']}"),
        ("SHA-256 of the ids found", found["ids_sha256"]),
    )  # fmt: skip


def _not_searched(counts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = {
        "with_attachments": "Conversations with files, whose content is not archived",
        "with_erased_text": "Conversations with text that LivePerson masked or deleted since it was archived",
        "removed": "Of these, text that was removed from the archive for ever",
        "deleted_before": "Conversations with text that LivePerson had deleted before it was archived",
        "shallow": "Conversations that lack some SDEs", "refused": "Refused by the index",
        "behind": "Vault entries not in the index yet", "quarantined": "Unreadable records",
    }  # fmt: skip
    yield from ((title, f"{counts[name]:,}") for name, title in names.items())
    for gap in counts["gaps"]:
        yield "Not proven complete", f"{gap['from']} to {gap['to']}: {gap['state']}"


def _span(span: Mapping[str, Any] | None) -> str:
    return f"from {span['from']} to before {span['to']}" if span else "at no time that can be archived"


def _list(title: str, *pairs: tuple[str, str]) -> str:
    rows = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in pairs)
    return f"<h2>{_text(title)}</h2><dl>{rows}</dl>"


def _text(text: str) -> str:
    return escape(safe(str(text)))
