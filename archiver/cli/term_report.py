"""The counts of a list of terms as one page that a browser shows and prints. Needs nothing from the network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from archiver.index import Assurance, TermCount
from archiver.transcript import iso
from archiver.value import as_dict, names
from archiver.visible import safe

_TITLES = {
    "query": "Term", "messages": "Messages", "conversations": "Conversations", "unique": "Found by no other term",
    "by_customer": "Messages by customers", "by_agent": "by agents", "by_bot": "by bots",
    "notes": "of these, private notes", "notices": "Notes", "error": "Error",
}  # fmt: skip
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Term report</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1b1b1b; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 1px solid #bbb; padding: .35rem .6rem; text-align: right; vertical-align: top; }}
th:first-child, td:first-child, td.error {{ text-align: left; overflow-wrap: anywhere; }}
thead {{ display: table-header-group; }}
tr {{ break-inside: avoid; }}
td.error {{ color: #8a1c1c; }}
dt {{ font-weight: 600; }}
</style>
<h1>Term report</h1>
<dl>{facts}</dl>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</html>
"""


def term_report(counts: Sequence[TermCount], worth: Assurance, notices: Iterable[str], account: str) -> str:
    """The page: what was searched, what the answer is worth, and a row for each term."""
    facts = [
        ("Account", [account]),
        ("Made", [f"{iso(worth.at)}"]),
        ("Searched", [*worth.sentences(sum(count.conversations or 0 for count in counts)), *notices]),
        ("Head of the archive", ["{}:{}".format(*worth.head)]),
    ]
    return _PAGE.format(
        facts="".join(f"<dt>{name}</dt>{''.join(map(_fact, texts))}" for name, texts in facts),
        head="".join(f'<th scope="col">{_TITLES[name]}</th>' for name in names(TermCount)),
        rows="\n".join(map(_row, counts)),
    )


def _fact(text: str) -> str:
    return f"<dd>{_text(text)}</dd>"


def _row(count: TermCount) -> str:
    cells = []
    for name, value in as_dict(count).items():
        kind = ' class="error"' if name == "error" and value else ""
        cells.append(f"<td{kind}>{_shown(value)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _shown(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return _text("; ".join(value) if isinstance(value, tuple) else str(value or ""))


def _text(text: str) -> str:
    return escape(safe(text))
