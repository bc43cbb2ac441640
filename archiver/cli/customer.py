"""`archiver customer`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html import escape

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.output import output
from archiver.cli.terminal import one_line
from archiver.errors import ConfigError, counted
from archiver.export import HtmlPages, Item, page_around
from archiver.index import read_version
from archiver.index import refuse as refuse_doubts
from archiver.outputs import Customer, Customers, customers, customers_json, in_order
from archiver.visible import safe

_KINDS = {"name": "Names", "id": "Ids", "email": "E-mail", "phone": "Phone", "sde": "Customer numbers"}
_USUAL_NAMES, _MANY_NAMES = 2, 4  # with more, somebody has to look; with more, it is hardly one person
_SHOWN_JOINS = 5


@click.command("customer")
@click.argument("text", nargs=-1, required=True)
@click.option("--person", type=click.IntRange(1), help="Only the person with this number, if several are meant.")
@click.option("--apart", multiple=True, metavar="VALUE",
              help="A number or address that several people have; may be repeated.")  # fmt: skip
@click.option("--is-one", is_flag=True, help="With --html: they are one person, whatever names they have.")
@click.option("--only-theirs", is_flag=True, help="Only what the customer wrote, not what the brand did.")
@click.option("--html", "page", metavar="FILE", help="Write everything as one page to read, print and hand over.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.customer/1.")
@click.pass_context
def command(
    context: click.Context, text: tuple[str, ...], person: int | None, apart: tuple[str, ...], is_one: bool,
    only_theirs: bool, page: str | None, force: bool, as_json: bool,
) -> None:  # fmt: skip
    """Find everything about one customer: by a name, an e-mail address, a phone number, a customer number or an id.

    Conversations are one person's if they have an id, an address or a number in common; people of the same name stay
    apart. Of each person all conversations are found, also those in which the text does not occur. This answers a
    request of somebody who wants to know what is kept of them: --html writes it as one page. Who has several
    names may be several people: what they have in common is listed, and above four names the exit code is 9.

    \b
    Examples:
      archiver customer 'Łukasz Nowak'
      archiver customer C1042 --json
      archiver customer 'Łukasz Nowak' --apart '+48 22 555 0100'
      archiver customer lukasz@example.com --only-theirs --html answer.html
    """
    asked = " ".join(text)
    with shared.opened(context) as archive:
        result = customers(archive, asked, apart)
        chosen, refused = _chosen(result.people, person), archive.refused()
        count = sum(len(item.conversations) for item in chosen)
        archive.audit(Action.EXPORT if page else Action.SEARCH, what="customer", query=asked, hits_total=count)
        if as_json:
            shared.print_json(customers_json(archive, asked, chosen, only_customer=only_theirs))
        elif page:
            _check_one(chosen, is_one=is_one)
            refuse_doubts(result.doubts)
            with output(page, is_replaced=force) as file:
                for part in _page(archive, chosen, only_theirs):
                    file.write(part.encode("utf-8", "replace"))
        else:
            for number, item in enumerate(chosen, person or 1):
                for line in _lines(archive, number, item):
                    click.echo(line)
        shared.show_quarantined(archive)
    click.echo(f"{counted(len(chosen), 'person')} with {counted(count, 'conversation')}", err=True)
    shared.show_notices(result.doubts)
    for line in _remarks(result, chosen):
        click.echo(line, err=True)
    shared.show_refused(refused)
    if refused or result.doubts:
        sys.exit(shared.FINISHED_WITH_GAPS)
    if not is_one and any(_has_names(person, _MANY_NAMES) for person in chosen):
        sys.exit(shared.FOUND_SOMETHING)


def _chosen(people: list[Customer], number: int | None) -> list[Customer]:
    """The person with a number, or all. Raises ConfigError."""
    if number is None:
        return people
    if number > len(people):
        raise ConfigError(f"there is no person {number}", hint=f"There are {len(people)}.")
    return [people[number - 1]]


def _check_one(chosen: list[Customer], *, is_one: bool) -> None:
    """Raises ConfigError for several people, and for one who may be several: one must not get what is another's."""
    if len(chosen) > 1:
        raise ConfigError(f"{len(chosen)} people are meant", hint="Choose one with --person NUMBER.")
    for person in chosen:
        if _has_names(person, _MANY_NAMES) and not is_one:
            names = one_line(", ".join(person.known["name"]))
            raise ConfigError(
                f"this person has {len(person.known['name'])} names: {names}. {_joined(person)}",
                hint="Take them apart with --apart VALUE; if they are one person, add --is-one.",
            )


def _has_names(person: Customer, more_than: int) -> bool:
    return len(person.known["name"]) > more_than


def _joined(person: Customer) -> str:
    joins = sorted(person.joins.items(), key=lambda item: -item[1])[:_SHOWN_JOINS]
    return f"In common they have: {', '.join(f'{one_line(value)} ({count} names)' for value, count in joins)}"


def _remarks(result: Customers, chosen: list[Customer]) -> Iterator[str]:
    if not chosen:
        yield "Nobody was found: search for the words instead, archiver search"
    for person in chosen:
        if _has_names(person, _USUAL_NAMES):
            yield f"One person has {len(person.known['name'])} names: check that it is one. {_joined(person)}"
    for value, count in result.shared.items():
        yield f"Not used to join people ({counted(count, 'name')}): {one_line(value)}"


def _lines(archive: Archive, number: int, person: Customer) -> Iterator[str]:
    yield f"Person {number}"
    for kind, title in _KINDS.items():
        if person.known[kind]:
            yield f"  {title:<17} {one_line(', '.join(person.known[kind]))}"
    for id_ in in_order(person):
        transcript = archive.transcript(id_)
        start = f"{transcript.metadata.started_at:%Y-%m-%d %H:%M}" if transcript.metadata.started_at else "-" * 16
        told = f"{transcript.metadata.skill or '-'}, {counted(len(transcript.messages), 'message')}"
        yield f"  {start}  {safe(id_)}  {one_line(told)}"


def _page(archive: Archive, chosen: list[Customer], only_theirs: bool) -> Iterator[str]:
    """All conversations of a person on one page, oldest first."""
    head, vault = archive.file.vault.noted_head(), archive.file.vault
    pages = HtmlPages(archive.zone, None, head)
    parts = []
    for person in chosen:
        rows = [
            f"<dt>{title}</dt><dd>{escape(safe(', '.join(person.known[kind])))}</dd>"
            for kind, title in _KINDS.items()
            if person.known[kind]
        ]
        doubt = (
            f"<p><strong>{escape(safe(_joined(person)))}: is it one person?</strong></p>"
            if _has_names(person, _USUAL_NAMES)
            else ""
        )
        parts.append(f"<h1>What is kept of a customer</h1>{doubt}<dl>{''.join(rows)}</dl>")
        for id_ in in_order(person):
            record = vault.current(id_)
            transcript = read_version(vault, record).transcript
            section = pages.section(Item(record, transcript), transcript, only_customer=only_theirs)
            parts.append(f"<h2>Conversation {escape(safe(id_))}</h2>\n{section}")
    yield page_around("What is kept of a customer", "\n".join(parts))
