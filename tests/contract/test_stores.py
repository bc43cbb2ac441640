"""What every store promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archiver.errors import StoreError
from archiver.index.axes import Axis
from archiver.index.counting import Counting, Facet
from archiver.index.paging import every_item
from archiver.index.results import Comparison, Key, KeyPage, Position, Refusal, Sort, Version
from archiver.index.store import Store
from archiver.model import Transcript, to_ms
from archiver.query.ast import Expression, Scope
from archiver.query.fields import KEYWORDS, MESSAGE_ZONES, ZONES
from archiver.query.parser import parse
from archiver.transcript.history import with_history
from archiver.transcript.projection import project
from tests.archives import Versions, archives, queries
from tests.conftest import NOW, examples, record
from tests.contract.stores import Filled, Opened, ask, ids, put
from tests.scan import Scan


@pytest.fixture
def filled(opened: Opened) -> Filled:
    return Filled(opened.make())


def test_a_new_store_is_empty_and_answers(opened: Opened) -> None:
    store = opened.make()
    assert (store.position().seq, store.count()) == (0, 0)
    assert ask(store, "anything") == KeyPage()


def test_what_was_put_is_found_and_the_position_is_kept(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "a table for four"))], applied=7)
    assert store.position().seq == 7
    assert store.count() == 1
    assert ids(ask(store, '"table for four"')) == ["c1"]


def test_repeating_a_replacement_changes_nothing(opened: Opened) -> None:
    store, transcript = opened.make(), project(record("c1", NOW, "hello there"))
    for _ in range(3):
        put(store, [transcript, transcript], applied=2)
    assert store.count() == 1
    assert ask(store, "hello").total == 1
    assert ask(store, "hello", Scope.MESSAGE).total == 1


def test_nothing_of_an_old_version_is_left(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "old words", "second"))], applied=1)
    put(store, [project(record("c1", NOW, "new words"))], applied=2)
    assert ask(store, "old").total == ask(store, "second").total == ask(store, "old", Scope.MESSAGE).total == 0
    assert ask(store, "words", Scope.MESSAGE).total == 1


def test_words_may_stand_in_different_messages_of_a_conversation_but_a_phrase_may_not(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "book a", "hotel now"))], applied=1)
    assert ask(store, "book hotel").total == 1
    assert ask(store, '"book a hotel"').total == 0
    assert ask(store, "book hotel", Scope.MESSAGE).total == 0


@pytest.mark.parametrize("scope", Scope)
def test_words_of_a_role_are_found_in_its_private_messages_too(opened: Opened, scope: Scope) -> None:
    store = opened.make()
    messages = [
        {
            "type": "TEXT_PLAIN", "messageData": {"msg": {"text": "a table"}}, "messageId": f"m{at}", "seq": at,
            "timeL": to_ms(NOW), "sentBy": "Consumer", "participantId": "cust", "audience": audience,
        }
        for at, audience in enumerate(("ALL", "AGENTS_AND_MANAGERS"))
    ]  # fmt: skip
    put(store, [project(record("c1", NOW, messageRecords=messages))], applied=1)
    counts = {text: ask(store, text, scope).total for text in ("from:customer table", "text:table", "note:table")}
    both = 2 if scope is Scope.MESSAGE else 1
    assert counts == {"from:customer table": both, "text:table": 1, "note:table": 1}


def test_a_prefix_finds_every_word_it_begins_however_many(opened: Opened) -> None:
    store = opened.make()
    texts = [project(record(f"c{number}", NOW, f"want a refu{number:04d}x")) for number in range(400)]
    put(store, texts, applied=400)
    assert ask(store, "refu*").total == 400
    assert ask(store, "a-refu*").total == 400


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("letter", ["0", "ж"])
def test_a_prefix_behind_a_sign_finds_every_word_it_begins_even_tens_of_thousands(
    opened: Opened, letter: str, scope: Scope
) -> None:
    store = opened.make()
    texts = [" ".join(f"order-{letter}{at * 1000 + of:05d}" for of in range(1000)) for at in range(20)]
    put(store, [project(record(f"c{at:02d}", NOW, text)) for at, text in enumerate(texts)], applied=20)
    put(store, [project(record("plain", NOW, f"order-{letter} and other-{letter}9"))], applied=21)
    put(store, [project(record("apart", NOW, f"order of {letter}00001"))], applied=22)
    found = {text: ask(store, text, scope).total for text in (f"order-{letter}*", f"order-{letter}19*")}
    assert found == {f"order-{letter}*": 21, f"order-{letter}19*": 1}
    assert ids(ask(store, f"-order-{letter}*", scope)) == ["apart"]
    assert ask(store, f"skill:restaurants from:customer order-{letter}*", scope).total == 21


@pytest.mark.parametrize("text", ["c1", "x.y", "+", "你好", "👍", "\u202e"])
def test_any_text_can_be_put_and_asked_for(opened: Opened, text: str) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, text, "plain"))], applied=1)
    assert ids(ask(store, "plain")) == ["c1"]
    assert ask(store, f'plain -"{text} nothing"').total == 1


@pytest.mark.parametrize("size", [1, 2, 7, 100])
@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST])
def test_pages_hold_each_hit_once_in_order_even_with_equal_times(opened: Opened, size: int, sort: Sort) -> None:
    store = opened.make()
    starts = {f"c{number:02d}": NOW - timedelta(hours=number // 5) for number in range(23)}
    put(store, [project(record(id_, start, "same")) for id_, start in starts.items()], applied=23)
    got: list[str] = []
    after, pages = None, 0
    while pages < 50:
        found = store.search(
            parse("same", now=NOW).expression, scope=Scope.CONVERSATION, sort=sort, limit=size, after=after
        )
        assert found.total == 23
        got += ids(found)
        after, pages = found.next, pages + 1
        if after is None:
            break
    assert got == sorted(starts, key=lambda id_: (starts[id_], id_), reverse=sort is Sort.NEWEST)


def test_relevance_finds_the_same_and_puts_more_matches_first(opened: Opened) -> None:
    store = opened.make()
    put(
        store,
        [
            project(record("c1", NOW, "refund and many other words that have nothing to do with it at all")),
            project(record("c2", NOW, "refund refund refund")),
        ],
        applied=2,
    )
    found = store.search(parse("refund", now=NOW).expression, scope=Scope.CONVERSATION, sort=Sort.RELEVANCE, limit=5)
    assert ids(found) == ["c2", "c1"]
    assert found.total == 2


def test_a_rebuild_takes_the_old_ones_place_only_when_it_is_finished(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "old"))], applied=1)
    fresh = store.begin_rebuild()
    put(fresh, [project(record("c2", NOW, "new"))], applied=2)
    assert ids(ask(opened.reopen(store), "old")) == ["c1"]
    fresh.finish_rebuild()
    assert ids(ask(opened.reopen(store), "new")) == ["c2"]
    assert ask(opened.reopen(store), "old").total == 0


def test_a_closed_store_opens_again_at_its_next_use(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "one"))], applied=1)
    store.close()
    assert ask(store, "one").total == 1
    put(store, [project(record("c2", NOW, "two"))], applied=2)
    store.close()
    store.close()
    assert (store.position().seq, store.count()) == (2, 2)


def test_facets_count_the_conversations_of_a_query_by_their_values(opened: Opened) -> None:
    store = opened.make()
    skills = ["Hotels & Spas", "Hotels & Spas", "Flights", "Flights", "Taxis", None]
    put(
        store,
        [
            project(record(f"c{at}", NOW, "same" if at else "other", info={"latestSkillName": skill}))
            for at, skill in enumerate(skills)
        ],
        applied=6,
    )
    counting = Counting(store, parse("same", now=NOW), Scope.CONVERSATION, UTC)
    skills_found = counting.by("skill", 2)
    assert skills_found.values == (Facet("Flights", 2), Facet("7", 1))
    assert (skills_found.total, skills_found.others, skills_found.rest) == (5, 2, 2)
    assert counting.by("status", 2).values == (Facet("closed", 5),)


def test_what_is_refused_is_listed_until_it_is_replaced(opened: Opened) -> None:
    store = opened.make()
    refusal = Refusal(2, "c2", "cannot be read")
    with store.writing(expected=1) as writer:
        writer.replace([refusal, Version(1, project(record("c1", NOW, "x")))], applied=Position(2))
    assert opened.reopen(store).refused() == (refusal,)
    put(store, [project(record("c2", NOW, "y"))], applied=3)
    assert store.refused() == ()


def test_a_dropped_store_is_new_again(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "x"))], applied=5)
    store.drop()
    assert (store.position().seq, store.count(), ask(store, "x").total) == (0, 0, 0)
    store.prepare()
    assert store.status().applied == 0
    put(store, [project(record("c1", NOW, "x"))], applied=5)
    assert ask(store, "x").total == 1


@given(archives=st.lists(archives(), min_size=1, max_size=2), query=queries(), scope=st.sampled_from(list(Scope)))
@settings(max_examples=examples(100), suppress_health_check=list(HealthCheck))
def test_a_query_finds_exactly_what_a_linear_scan_over_the_raw_records_finds_also_after_updates(
    filled: Filled, archives: list[list[Versions]], query: tuple[str, object], scope: Scope
) -> None:
    text, tree = query
    for archive in archives:
        filled.fill(archive)
        found = ask(filled.store, text, scope)
        scans = [Scan(versions) for versions in archive]
        expected = set().union(*(scan.ids(tree, scope.value) for scan in scans))
        assert {(key.conversation_id, key.message_id) for key in found.keys} == expected
        assert found.total == len(expected)
        skills = Counter({scan.skill: 0 for scan in scans})
        for scan in scans:
            skills[scan.skill] += len(scan.ids(tree, scope.value))
        (counted,) = filled.store.tallies(parse(text, now=NOW).expression, [[Axis("skill")]], scope=scope)
        assert counted == {(skill,): count for skill, count in skills.items() if count}


def test_a_version_whose_documents_can_t_be_made_is_refused_and_costs_no_other(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened.make()
    put(store, [project(record("odd", NOW, "first words")), project(record("c1", NOW, "words"))], applied=2)
    read = KEYWORDS["agent"]

    def fail_at_one(transcript: Transcript) -> Iterable[str]:
        if transcript.id == "odd":
            raise KeyError("a fault of the program")
        return read(transcript)

    monkeypatch.setitem(cast(dict[str, object], KEYWORDS), "agent", fail_at_one)
    put(store, [project(record(id_, NOW, "second words")) for id_ in ("c2", "odd", "c3")], applied=5)
    assert ids(ask(store, "words")) == ["c3", "c2", "c1"]
    assert ask(store, "words", Scope.MESSAGE).total == 3
    (refusal,) = store.refused()
    assert (refusal.conversation_id, refusal.seq) == ("odd", 4)
    assert "KeyError" in refusal.reason
    monkeypatch.undo()
    put(store, [project(record("odd", NOW, "third words"))], applied=6)
    assert (store.refused(), ask(store, "words").total) == ((), 4)


def test_nothing_of_an_earlier_version_is_left_of_what_is_refused(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "old"))], applied=1)
    with store.writing(expected=1) as writer:
        writer.replace([Refusal(2, "c1", "cannot be read")], applied=Position(2, "link2"))
    assert (store.count(), ask(store, "old", Scope.MESSAGE).total) == (0, 0)


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST])
def test_no_message_is_lost_or_doubled_where_a_page_ends_among_many_of_one_moment(opened: Opened, sort: Sort) -> None:
    store = opened.make()
    put(store, [project(_at_once(f"c{at}", count)) for at, count in enumerate((9, 1, 14))], applied=3)
    expression = parse("same", now=NOW).expression
    whole = store.search(expression, scope=Scope.MESSAGE, sort=sort, limit=100).keys
    assert list(whole) == sorted(whole, key=lambda key: key.order, reverse=sort is Sort.NEWEST)
    for size in (1, 4, 5, 23):
        pages = every_item(lambda after, size=size: _page(store, expression, sort, size, after))  # type: ignore[misc]
        assert tuple(pages) == whole
    assert len(set(whole)) == 24


def _at_once(id_: str, count: int) -> bytes:
    """A conversation whose messages were all sent at one moment."""
    messages = [
        {"type": "TEXT_PLAIN", "messageData": {"msg": {"text": "same"}}, "messageId": f"m{at}", "timeL": to_ms(NOW)}
        for at in range(count)
    ]
    return record(id_, NOW, messageRecords=messages)


def _page(
    store: Store, expression: Expression, sort: Sort, size: int, after: Key | None
) -> tuple[tuple[Key, ...], Key | None]:
    page = store.search(expression, scope=Scope.MESSAGE, sort=sort, limit=size, after=after)
    assert page.total == 24
    return page.keys, page.next


@pytest.mark.parametrize("at", ["0001-01-01 00:00:00.000+0000", "9999-12-31 23:59:59.999+0000", "2300-01-01 00:00:00"])
@pytest.mark.parametrize("scope", Scope)
def test_times_of_any_year_are_sorted_and_found(opened: Opened, at: str, scope: Scope) -> None:
    store = opened.make()
    message = {"type": "TEXT_PLAIN", "messageData": {"msg": {"text": "hello"}}, "messageId": "m", "time": at}
    odd = record("odd", NOW, info={"startTimeL": None, "startTime": at}, messageRecords=[message])
    put(store, [project(odd), project(record("c1", NOW, "hello"))], applied=2)
    assert ids(ask(store, "hello", scope)) == (["c1", "odd"] if at.startswith("0001") else ["odd", "c1"])


def test_an_index_that_lacks_a_conversation_is_not_whole(opened: Opened) -> None:
    store = opened.make()
    put(store, [project(record(id_, NOW, "hello")) for id_ in ("c1", "c2")], applied=2)
    store.check_whole(2)
    if store.status().kind != "memory":  # nobody else can write to it
        with pytest.raises(StoreError, match=r"2 conversations.*3"):
            store.check_whole(3)


def test_contents_are_compared_with_the_versions_and_each_difference_is_named(opened: Opened) -> None:
    store = opened.make()
    held = [Version(1, project(record("c1", NOW, "hello"))), Version(2, project(record("c2", NOW, "hello", "you")))]
    with store.writing(expected=2) as writer:
        writer.replace(held, applied=Position(2, "link2"))
    assert store.compare(held) == Comparison((), store.documents())
    other, absent = Version(2, project(record("c2", NOW, "hello", "me"))), Version(3, project(record("c3", NOW, "x")))
    compared = store.compare([held[0], other, absent])
    assert compared.faults == (("c2", "of another content"), ("c3", "missing"))
    assert compared.documents == store.documents()


RICH = {
    "type": "RICH_CONTENT", "messageId": "card", "timeL": to_ms(NOW) + 1, "sentBy": "Agent", "participantId": "agent1",
    "messageData": {
        "richContent": {
            "content": '{"elements":[{"type":"text","text":"Summer offer"},{"type":"button","title":"Show me",'
            '"click":{"actions":[{"type":"link","uri":"https://shop.example/deals"}]}}]}'
        },
        "quickReplies": {"content": '{"replies":[{"title":"Not today"}]}'},
    },
    "contextData": {"rawMetadata": '[{"type":"BotResponse","intents":[{"name":"sell bikes"}]}]'},
}  # fmt: skip
SENT = {
    "type": "HOSTED_FILE", "messageId": "file", "timeL": to_ms(NOW) + 2, "sentBy": "Consumer", "participantId": "cust",
    "messageData": {"file": {"relativePath": "/v1/x/Invoice_2024.pdf", "caption": "my bill"}},
}  # fmt: skip
HTML = {
    "type": "TEXT_HTML", "messageId": "html", "timeL": to_ms(NOW) + 3, "sentBy": "Agent", "participantId": "agent1",
    "messageData": {"msg": {"text": "<p>See <a href='https://help.example/returns'>our page</a></p>"}},
}  # fmt: skip
FOUND_IN = {
    "summer": ("card", "card"), "'show me'": ("card", "card"), '"not today"': ("card", "card"),
    "deals": ("link", "card"), "invoice_2024.pdf": ("file", "file"), "bill": ("file", "file"),
    "returns": ("link", "html"), '"our page"': ("said", "html"), "olga": ("about", None),
    "olga@mail.example": ("about", None), "spring": ("about", None), "pricing": ("about", None),
    '"sell bikes"': ("about", None), "visitor-77": ("about", None), "c1": ("about", None),
}  # fmt: skip


@pytest.mark.parametrize("scope", Scope)
def test_what_was_shown_or_noted_is_found_in_its_zone_and_nowhere_else(opened: Opened, scope: Scope) -> None:
    store = opened.make()
    raw = record(
        "c1", NOW, messageRecords=[RICH, SENT, HTML], info={"visitorId": "visitor-77"},
        consumerParticipants=[{"participantId": "cust", "firstName": "Olga", "email": "olga@mail.example"}],
        campaign={"campaignName": "Spring sale"}, monitoring={"conversationStartPageTitle": "Pricing", "city": "Rome"},
    )  # fmt: skip
    put(store, [project(raw), project(record("c2", NOW, "nothing of it"))], applied=1)
    for text, (zone, message) in FOUND_IN.items():
        wanted = [] if scope is Scope.MESSAGE and message is None else ["c1"]
        assert ids(ask(store, text, scope)) == wanted, text
        for other in ZONES:
            expected = wanted if other == zone else []
            if not (scope is Scope.MESSAGE and other not in MESSAGE_ZONES):
                assert ids(ask(store, f"{other}:{text}", scope)) == expected, (other, text)
    assert ids(ask(store, "rome", scope)) == []


def edited(conversation_id: str) -> Transcript:
    """A conversation in which one message was edited, one masked and one deleted since it was archived."""
    before = record(conversation_id, NOW, "the first price", "agreed then", "card 4111 1111", "keep it")
    now = record(conversation_id, NOW, "the second price", "agreed then", "card **** ****")
    moments = [(1, NOW), (2, NOW + timedelta(days=1))]
    return with_history(project(now), [(1, before)], moments, ("masked", "deleted"))


@pytest.mark.parametrize(
    ("text", "conversations", "messages"),
    [
        ("first", ["c1"], ["c1:0"]), ("first price", ["c1"], ["c1:0"]), ("first is:current", [], []),
        ("second", ["c1"], ["c1:0"]), ("second -is:current", [], []), ('"first price" -is:current', ["c1"], ["c1:0"]),
        ("price is:earlier", ["c1"], ["c1:0"]), ("price", ["c1", "c2"], ["c1:0", "c2:0"]),
        ("keep", ["c1"], ["c1:3"]), ("from:agent keep", ["c1"], ["c1:3"]), ("from:customer keep", [], []),
        ("keep is:current", [], []), ("first w/2 price", ["c1"], ["c1:0"]), ("first w/9 second", [], []),
        ("4111 pre/1 1111", ["c1"], ["c1:2"]), ("4111 pre/1 1111 is:current", [], []), ("note:first", [], []),
        ("said:first", ["c1"], ["c1:0"]), ("has:changed price", ["c1"], ["c1:0"]),
        ("is:deleted agreed", ["c1"], ["c1:1"]), ("has:vanished", [], []), ("fir* is:earlier", ["c1"], ["c1:0"]),
        ("-first", ["c2"], ["c1:1", "c1:2", "c1:3", "c2:0"]),
    ],
)  # fmt: skip
def test_texts_that_were_edited_masked_or_deleted_are_found_and_can_be_left_out(
    opened: Opened, text: str, conversations: list[str], messages: list[str]
) -> None:
    store = opened.make()
    put(store, [edited("c1"), project(record("c2", NOW - timedelta(days=1), "a price"))], applied=9)
    assert sorted(ids(ask(store, text))) == conversations
    assert sorted(str(key.message_id) for key in ask(store, text, Scope.MESSAGE).keys) == messages
    versions = [Version(8, edited("c1")), Version(9, project(record("c2", NOW - timedelta(days=1), "a price")))]
    assert store.compare(versions).faults == ()


FACTS = {
    "info": {"latestQueueState": "ACTIVE", "wasStepUp": True, "alertedMCS": -1, "labels": ["red fox", "blue"]},
    "conversationSurveys": [{"surveyId": 77, "surveyData": [{"questionType": "nps", "answer": "9"}]}],
    "sdes": {"events": [{"sdeType": "X", "customerInfo": {"customerInfo": {"customerType": "gold"}}}]},
}


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("record.info.latestQueueState:active", True), ("record.latestqueuestate:ACT*", True),
        ("record.queueState:active", False), ("record.wasStepUp:true", True), ("record.wasStepUp:false", False),
        ('record.labels:"red fox"', True), ('record.labels:"fox blue"', False), ("record.labels:(green OR blue)", True),
        ("record.labels:b?ue", True), ("record.labels:/r.d/", True), ("record.labels:reed~1", True),
        ("record.alertedMCS:<0", True), ("record.alertedMCS:=-1", True),
        ("record.alertedMCS:-1", True), ("record.alertedMCS:1", False), ("record.alertedMCS:>0", False),
        ("record.surveyId:77", True), ("record.surveyId:70..80", True), ("record.questionType:*", True),
        ("record.nothing:*", False), ("-record.wasStepUp:true", False), ("skill:*", True),
        ("fcr:*", False), ("sde.customerInfo.*:gold", True), ("sde.personalInfo.*:gold", False),
        ("hello record.wasStepUp:true", True), ("hello is:current record.wasStepUp:true", True),
    ],
)  # fmt: skip
def test_any_value_of_the_record_is_found_by_its_path(opened: Opened, text: str, is_found: bool) -> None:
    store = opened.make()
    put(store, [project(record("c1", NOW, "hello", **FACTS)), project(record("c2", NOW, "bye"))], applied=2)
    both = ["c1", "c2"] if text == "skill:*" else ["c2"] if text.startswith("-") else ["c1"] if is_found else []
    assert sorted(ids(ask(store, text))) == both
    assert {key.conversation_id for key in ask(store, text, Scope.MESSAGE).keys} == set(both)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [("sde.line2:berlim~1", True), ("sde.line1:berlin~1", False), ("sde.lines:berlin~1", False),
     ("record.kind2:special~1", True), ("record.kind1:special~1", False), ("record.kind2:speciel~1", True)],
)  # fmt: skip
def test_a_similar_word_is_looked_for_at_its_own_path_only(opened: Opened, text: str, is_found: bool) -> None:
    events = [{"sdeType": "LEAD", "lead": {"lead": {"line2": "Berlin"}}}]
    store = opened.make()
    put(store, [project(record("c1", NOW, "x", sdes={"events": events}, other={"kind2": "special"}))], applied=1)
    assert ids(ask(store, text)) == (["c1"] if is_found else [])


@pytest.mark.parametrize(
    ("text", "found"),
    [("note:*", ["c1"]), ("-note:*", ["c2"]), ("sde.total:*", ["c1"]), ("survey:*", []), ("*", ["c1", "c2"])],
)
def test_a_star_in_a_field_means_any_word_there(opened: Opened, text: str, found: list[str]) -> None:
    store = opened.make()
    note = {
        "type": "TEXT_PLAIN", "messageData": {"msg": {"text": "a note"}}, "messageId": "n", "sentBy": "Agent",
        "audience": "AGENTS_AND_MANAGERS",
    }  # fmt: skip
    sdes = {"events": [{"sdeType": "PURCHASE", "purchase": {"total": 12}}]}
    noted = record("c1", NOW, messageRecords=[note], sdes=sdes)
    put(store, [project(noted), project(record("c2", NOW, "hello"))], applied=2)
    assert sorted(ids(ask(store, text))) == found


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST])
def test_pages_of_many_results_of_one_moment_follow_one_another(opened: Opened, sort: Sort) -> None:
    store = opened.make()
    moments = [NOW + timedelta(minutes=number) for number in (0, 1, *[2] * 60, 3, *[4] * 25)]
    put(store, [project(record(f"c{at:02}", when, "same")) for at, when in enumerate(moments)], applied=len(moments))
    order = sorted(((when, f"c{at:02}") for at, when in enumerate(moments)), reverse=sort is Sort.NEWEST)
    for limit in (1, 7, 40):
        seen, after, query = list[str](), None, parse("same", now=NOW).expression
        while True:
            page = store.search(query, scope=Scope.CONVERSATION, sort=sort, limit=limit, after=after)
            uncounted = store.search(
                query, scope=Scope.CONVERSATION, sort=sort, limit=limit, after=after, is_counted=False
            )  # fmt: skip
            assert (uncounted.keys, uncounted.next, page.total) == (page.keys, page.next, len(moments))
            seen += [key.conversation_id for key in page.keys]
            after = page.next
            if after is None:
                break
        assert seen == [id_ for _, id_ in order]
