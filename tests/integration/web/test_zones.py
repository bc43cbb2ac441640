"""The time zone that whoever reads has chosen: which days a search means, and which times are shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from archiver.app import Archive
from archiver.config import find_settings
from archiver.errors import ConfigError
from tests.conftest import NOW, record
from tests.pages import Markup, kept, page_of

OWN = "Europe/Berlin"  # the archive's
ZONES = ("America/New_York", "UTC", "Asia/Kathmandu", "Pacific/Kiritimati", OWN)
BEGIN = datetime(2026, 3, 28, tzinfo=UTC)  # clocks are changed on the next day in Berlin
QUERIES = ("on:2026-03-29", "after:2026-03-30", "hello before:2026-03-29", "on:2026-03-29 OR on:2026-03-31")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raws = [record(f"c{at:02}", BEGIN + timedelta(hours=2.5 * at), "hello", "refund") for at in range(40)]
    return kept(tmp_path_factory.mktemp("zones") / "archive", *raws)


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with page_of(folder, timezone=OWN) as found:
        yield found


def found_in(answer: httpx.Response) -> list[str]:
    return sorted(item["conversation_id"] for item in answer.json()["items"])


def bars_of(answer: httpx.Response) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = re.findall(r"<title>([^<]*): ([0-9]+)", answer.text)
    assert found
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_an_answer_is_that_of_an_archive_whose_own_zone_it_is(folder: Path, url: str, zone: str) -> None:
    spans = ({"from": "2026-03-29", "to": "2026-03-30"}, {"q": "on:2026-03-29"}, {"q": "after:2026-03-30T06:00"})
    with page_of(folder, timezone=zone) as other:
        for days in spans:
            asked = days | {"scope": "message", "tz": zone}
            assert bars_of(httpx.get(url, params=asked)) == bars_of(httpx.get(other, params=asked))
            listed = [httpx.get(f"{at}/search.json", params=asked | {"limit": "100"}) for at in (url, other)]
            assert (
                found_in(listed[0])
                == found_in(listed[1])
                == found_in(httpx.get(f"{other}/search.json", params=days | {"scope": "message", "limit": "100"}))
            )
        for interval in ("hour", "day"):
            counted = {"q": "on:2026-03-29", "interval": interval}
            here = httpx.get(f"{url}/api/v1/histogram", params=counted | {"tz": zone}).json()
            assert here == httpx.get(f"{other}/api/v1/histogram", params=counted).json()
            assert here["timezone"] == zone


def test_zones_find_different_conversations(url: str) -> None:
    asked = {"q": "on:2026-03-29", "limit": "100"}
    sets = [tuple(found_in(httpx.get(f"{url}/search.json", params=asked | {"tz": zone}))) for zone in ZONES]
    assert len(set(sets)) == len(ZONES)


def test_the_next_answer_is_in_the_archives_zone_again(url: str) -> None:
    asked = {"q": "on:2026-03-29", "limit": "100"}
    with httpx.Client() as client:
        plain = found_in(client.get(f"{url}/search.json", params=asked))
        for _ in range(20):  # each thread has answered both
            client.get(f"{url}/search.json", params=asked | {"tz": "Asia/Kathmandu"})
            assert found_in(client.get(f"{url}/search.json", params=asked)) == plain
            client.get(f"{url}/c/c05", params={"tz": "Asia/Kathmandu"})
            client.get(f"{url}/api/v1/search", params={"tz": "Asia/Kathmandu"})
            client.get(url, params={"tz": "Nowhere/At_All"})


@pytest.mark.parametrize("view", ["cards", "table"])
@pytest.mark.parametrize("scope", ["conversation", "message"])
def test_every_link_of_a_search_keeps_the_zone(url: str, view: str, scope: str) -> None:
    asked = {"q": "refund", "tz": "Asia/Kathmandu", "view": view, "scope": scope, "f": "skill:Restaurants"}
    page = Markup(httpx.get(url, params=asked).text)
    links = [*page.links(r"^/\?"), *page.links("^/c/")]
    assert len(links) > 30
    assert {tuple(parse_qs(urlsplit(href).query).get("tz", ())) for href in links} == {("Asia/Kathmandu",)}
    fields = [at for tag, at in page.elements if tag == "input" and at.get("name") == "tz"]
    assert fields
    assert {at["value"] for at in fields} == {"Asia/Kathmandu"}


def test_a_conversation_leads_to_the_next_one_of_the_same_search_whatever_its_times_are(url: str) -> None:
    asked = {"q": "on:2026-03-29", "tz": "America/New_York"}
    order = found_in(httpx.get(f"{url}/search.json", params=asked | {"limit": "100"}))
    href, seen = f"/c/{order[0]}?q=on:2026-03-29&tz=America/New_York", []
    for at in range(len(order)):
        answer = httpx.get(url + href)
        page = Markup(answer.text)
        seen.append(href.partition("?")[0].removeprefix("/c/"))
        (back,) = [found["href"] for tag, found in page.elements if tag == "a" and "data-back" in found]
        assert parse_qs(urlsplit(back).query) == {"q": ["on:2026-03-29"], "tz": ["America/New_York"]}
        if at == 1:  # from here on with other times
            (href,) = (found for found in page.links("^/c/") if "times=UTC" in found)
            page = Markup(httpx.get(url + href).text)
            assert "times in UTC" in page.text
        newer = [found["href"] for tag, found in page.elements if tag == "a" and found.get("rel") == "prev"]
        assert len(newer) == (at < len(order) - 1)
        href = newer[0] if newer else ""
        assert ("times=UTC" in href) == (1 <= at < len(order) - 1)
    assert seen == order


def test_a_transcript_can_be_shown_in_the_zone_of_the_search_of_the_archive_and_in_utc(url: str) -> None:
    page = httpx.get(f"{url}/c/c01", params={"q": "hello", "tz": "Asia/Kathmandu"})
    assert "times in Asia/Kathmandu" in Markup(page.text).text
    assert "08:15:00" in page.text  # 02:30 in UTC
    clocks = {"UTC": "02:30:00", OWN: "03:30:00"}
    for name, clock in clocks.items():
        (href,) = [
            href for href in Markup(page.text).links("^/c/") if parse_qs(urlsplit(href).query).get("times") == [name]
        ]
        other = httpx.get(url + href)
        assert f"times in {name}" in Markup(other.text).text
        assert clock in other.text
        assert other.text.count("<mark>") == page.text.count("<mark>")


@pytest.mark.parametrize("query", QUERIES)
def test_a_case_and_a_saved_search_hold_what_the_page_showed(tmp_path: Path, query: str) -> None:
    raws = [record(f"c{at:02}", BEGIN + timedelta(hours=2.5 * at), "hello", "refund") for at in range(40)]
    folder = kept(tmp_path / "archive", *raws)
    with page_of(folder, timezone=OWN) as url:
        asked = {"q": query, "tz": "America/New_York"}
        page = httpx.get(url, params=asked)
        shown = found_in(httpx.get(f"{url}/search.json", params=asked | {"limit": "100"}))
        assert shown
        (saved, case) = (unescape(text) for text in re.findall(r'type="hidden" name="q" value="([^"]*)"', page.text))
        assert "They would keep this as" in Markup(page.text).text
        sent = {"name": "kept", "reason": "to know"}
        for path, text in (("/saved", saved), ("/cases", case)):
            answer = httpx.post(url + path, data=sent | {"q": text, "scope": "conversation"}, headers={"Origin": url})
            assert answer.status_code == 303, answer.text
        held = httpx.get(f"{url}/cases.json/kept").json()
        assert sorted(item["conversation_id"] for item in held["items"]) == shown
    with Archive(find_settings({"archive": folder, "timezone": OWN})) as archive:
        (search,) = archive.file.saved.all()
        assert sorted(hit.transcript.id for hit in archive.search(search.query)) == shown


@pytest.mark.parametrize("query", ["refund", "", "mcs:<40 OR refund", "on:2026-03-29T10:00Z"])
def test_a_query_that_means_the_same_everywhere_is_kept_as_it_was_typed(url: str, query: str) -> None:
    page = httpx.get(url, params={"q": query, "tz": "America/New_York"}).text
    assert "They would keep this as" not in page
    assert {unescape(text) for text in re.findall(r'type="hidden" name="q" value="([^"]*)"', page)} <= {query}


WRONG = ("Nowhere", "../../etc/passwd", "Europe", "\0", "a" * 300, "+02:00", "<b>")


@pytest.mark.parametrize("name", WRONG)
def test_a_zone_that_is_not_known_is_told_and_nothing_is_searched(url: str, name: str) -> None:
    page = httpx.get(url, params={"q": "hello", "tz": name})
    assert page.status_code == 400
    assert "time zone" in Markup(page.text).text
    assert "Europe/Berlin, America/New_York or UTC" in page.text
    assert 'name="q" type="search" value="hello"' in page.text  # the form is there to correct it
    for path in ("/search.json", "/c/c01", "/api/v1/search", "/api/v1/histogram"):
        assert httpx.get(url + path, params={"tz": name}).status_code == 400, path
    assert httpx.get(f"{url}/c/c01", params={"times": name}).status_code == 400


def test_the_command_and_the_read_back_query_are_in_the_same_zone(url: str) -> None:
    page = Markup(httpx.get(url, params={"from": "2026-03-29", "to": "2026-03-29", "tz": "America/New_York"}).text).text
    assert "archiver --tz America/New_York search 'after:2026-03-29 before:2026-03-29'" in page
    assert "started:>=2026-03-29T04:00:00Z AND started:<2026-03-30T04:00:00Z" in page
    page = Markup(httpx.get(url, params={"q": "refund", "tz": "UTC"}).text).text
    assert "archiver --tz UTC search refund" in page


def test_neighbours_are_those_of_conversations_and_the_way_back_leads_to_the_messages(url: str) -> None:
    asked = {"q": "refund", "scope": "message", "tz": "Asia/Kathmandu"}
    href = Markup(httpx.get(url, params=asked).text).links("^/c/")[0]
    page = Markup(httpx.get(url + href).text)
    assert not [found for tag, found in page.elements if tag == "a" and found.get("rel") in ("prev", "next")]
    (back,) = [found["href"] for tag, found in page.elements if tag == "a" and "data-back" in found]
    assert parse_qs(urlsplit(back).query) == {name: [value] for name, value in asked.items()}


def test_a_query_without_days_is_kept_as_it_is_while_time_passes(folder: Path) -> None:
    passing = (NOW + timedelta(milliseconds=at) for at in range(100_000))
    with page_of(folder, timezone=OWN, clock=lambda: next(passing)) as url:
        for query in ("refund after:90d", "after:now-12h", "started:90d..30d"):
            assert "They would keep this as" not in httpx.get(url, params={"q": query}).text


def test_a_day_of_messages_is_kept_as_one_condition(tmp_path: Path) -> None:
    april = datetime(2026, 4, 10, 12, tzinfo=UTC)
    around = json.loads(record("around", april, "one", "two"))
    around["messageRecords"][0]["timeL"] -= 40 * 86_400_000
    around["messageRecords"][1]["timeL"] += 40 * 86_400_000
    raws = [json.dumps(around).encode(), record("within", april, "one", "two")]
    with page_of(kept(tmp_path / "archive", *raws), timezone=OWN) as url:
        for query in ("sent:2026-04", "NOT sent:2026-04", "one sent:2026-04-10"):
            asked = {"q": query, "tz": "America/New_York"}
            found = httpx.get(f"{url}/search.json", params=asked)
            page = httpx.get(url, params=asked).text
            text = unescape(re.findall(r'type="hidden" name="q" value="([^"]*)"', page)[0])
            assert found_in(httpx.get(f"{url}/search.json", params={"q": text})) == found_in(found)
            understood = found.json()["understood"]
            assert found_in(httpx.get(f"{url}/search.json", params={"q": understood})) == found_in(found)


EDGES = ("0001", "0001-01-01", "9999", "9999-12-31", "0999", "2011-12-30")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Pacific/Apia", "America/New_York", "UTC"])
def test_a_day_that_a_zone_does_not_have_is_refused_by_its_name(url: str, zone: str) -> None:
    for day in EDGES:
        for asked in ({"q": f"after:{day}"}, {"q": f"before:{day}"}, {"q": f"sent:{day}"}, {"q": f"on:{day}"}):
            answer = httpx.get(f"{url}/search.json", params=asked | {"tz": zone})
            assert answer.status_code == 200 or f"there is no date '{day}'" in answer.json()["error"]["message"]


def test_a_form_with_an_unknown_zone_changes_nothing(url: str) -> None:
    sent = {"case": "none", "id": "c01", "tz": "a/" * 600 + "a"}
    answer = httpx.post(f"{url}/case-items", data=sent, headers={"Origin": url})
    assert answer.status_code == 400
    assert "is not known here" in answer.text


def test_a_page_with_an_unknown_zone_of_its_own_is_not_served(folder: Path) -> None:
    with pytest.raises(ConfigError, match="time zone 'Berlin'"), page_of(folder, timezone="Berlin"):
        pass
