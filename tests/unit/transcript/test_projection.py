from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.jsontext import canonical, decode, encode, split_array, split_object
from archiver.model import Role, to_ms
from archiver.query.fields import passages
from archiver.transcript.html import read_html
from archiver.transcript.projection import project
from archiver.transcript.serialize import as_json
from archiver.transcript.text import message_text
from tests import schemas
from tests.conftest import NOW, record

CARD = encode(
    {
        "type": "vertical",
        "elements": [
            {"type": "image", "url": "https://x", "tooltip": "A map"},
            {"type": "text", "text": "On sale"},
            {"type": "button", "title": "Book", "click": {"actions": [{"type": "publishText", "text": "hidden"}]}},
        ],
    }
).decode()
REPLIES = '{"replies":[{"title":"Yes","tooltip":"Yes"}]}'
FILE = {"relativePath": "/v1/x.JPG", "fileType": "JPG", "caption": "damage", "preview": "data:x"}
FORM = {"formId": "6", "formName": "Card form", "submissionId": "s"}
HTML = "<p>Dear&nbsp;you,<br>see <a href='x'>this</a></p><script>no</script>"


@pytest.mark.parametrize(
    ("type_", "data", "expected"),
    [
        ("TEXT_PLAIN", {"msg": {"text": " as <b>written</b> &amp; undefined "}}, " as <b>written</b> &amp; undefined "),
        ("TEXT_HTML", {"msg": {"text": HTML}}, "Dear you,\nsee this <x>"),
        ("TEXT_PLAIN", {"msg": {"text": 4071234}}, "4071234"),
        ("TEXT_PLAIN", {"msg": {"text": ["one", 2.5, True]}}, "one\n2.5\ntrue"),
        ("RICH_CONTENT", {"richContent": {"content": CARD}}, "A map\nOn sale\nBook"),
        ("RICH_CONTENT", {"richContent": {"content": "{broken"}}, "{broken"),
        ("TEXT_PLAIN", {"msg": {"text": "Choose"}, "quickReplies": {"content": REPLIES}}, "Choose\nYes"),
        ("HOSTED_FILE", {"file": FILE}, "damage"),
        ("LINK", {"link": {"externalFileLink": "https://x/y", "caption": "Help"}}, "Help\nhttps://x/y"),
        ("SECURE_FORM_SUBMIT", {"secureForm": FORM}, "Card form"),
        ("VOICE_V9", {"voice": {"durationMs": 9, "transcript": "heard"}}, "heard"),
        ("NEW", {"future": {"deep": [{"x": "found"}, 3, None]}}, "found"),
        ("TEXT_PLAIN", {}, ""),
        ("TEXT_PLAIN", None, ""),
        ("TEXT_PLAIN", {"msg": {"text": None}}, ""),
    ],
)  # fmt: skip
def test_all_that_a_person_could_read_in_a_message_is_its_text(type_: str, data: Any, expected: str) -> None:
    assert message_text(type_, data) == expected


def test_what_a_click_says_is_found_though_nobody_sees_it() -> None:
    for name in ("richContent", "quickReplies"):
        data = {name: {"content": CARD.replace("hidden", "refund status")}}
        found = project(record("c", NOW, messageRecords=[{"messageId": "m", "messageData": data}])).messages[0]
        assert "refund status" in [part.text for part in found.parts]
        assert "refund status" not in found.text


@pytest.mark.parametrize("section", ["agentParticipants", "transfers", "dialogs", "messageStatuses", "yetUnknown"])
def test_what_bots_noted_beside_messages_is_found(section: str) -> None:
    noted = {"structuredMetadata": [{"botResponse": {"intents": [{"name": "check balance"}]}}],
             "rawMetadata": '[{"reason": "wants a refund"}]'}  # fmt: skip
    found = dict.fromkeys(text for _, text in project(record("c", NOW, **{section: [{"contextData": noted}]})).about)
    assert {"check balance", "wants a refund"} <= set(found)


def test_messages_come_by_time_then_in_the_sequence_of_each_dialog_and_those_without_a_time_last() -> None:
    at = to_ms(NOW)
    told = [(at + 1, "a", 0), (None, "a", 9), (at, "b", 1), (at, "a", 2), (at, "a", 10), (at, "a", 1)]
    messages = [
        {"messageId": f"m{number}", "timeL": time, "dialogId": dialog, "seq": seq, "messageData": {}}
        for number, (time, dialog, seq) in enumerate(told)
    ]
    found = project(record("c", NOW, messageRecords=messages)).messages
    assert [message.id for message in found] == ["m5", "m3", "m4", "m2", "m0", "m1"]


def test_lists_in_html_become_lines() -> None:
    assert read_html("<ul><li>one<li>two</ul>a &lt; b").text_with_links == "one\ntwo\na < b"


def test_an_end_of_a_script_that_never_began_hides_nothing_after_it() -> None:
    assert (
        read_html("before</script> after</style> and<script>no</script> more").text_with_links
        == "before after and more"
    )


def test_an_sde_that_is_nested_twice_has_the_same_paths_as_one_that_is_not() -> None:
    twice = {
        "lead": {"lead": {"topic": "t", "value": 1.5}, "serverTimeStamp": 5},
        "sdeType": "LEAD",
        "serverTimeStamp": "5000",
    }
    once = {
        "purchase": {"orderId": "O", "cart": {"products": [{"product": {"name": "a"}}, {"product": {"name": "b"}}]}}
    }
    transcript = project(record("c", NOW, sdes={"events": [twice, twice, once]}, unAuthSdes={"events": [once]}))
    lead, bought, unknown = transcript.sdes
    assert lead.values == (("lead.topic", "t"), ("lead.value", 1.5))
    assert bought.values == (
        ("purchase.orderId", "O"),
        ("purchase.cart.products.product.name", "a"),
        ("purchase.cart.products.product.name", "b"),
    )  # fmt: skip
    assert (bought.is_authenticated, unknown.is_authenticated) == (True, False)


def test_nothing_said_becomes_nothing_in_metadata_and_stays_in_what_people_wrote() -> None:
    info = {"device": "undefined", "latestSkillId": -1, "latestAgentGroupId": -1, "mcs": -1}
    transcript = project(record("c", NOW, "undefined", "-1", info=info))
    metadata = transcript.metadata
    assert (metadata.device, metadata.skill_id, metadata.group_id, metadata.mcs) == (None, None, None, None)
    assert [message.text for message in transcript.messages] == ["undefined", "-1"]


def test_who_speaks_is_found_by_agent_id_and_by_pid() -> None:
    bot = {"agentId": "agent1", "agentPid": "pid-1", "agentFullName": "Robo", "userType": "2"}
    transcript = project(record("c", NOW, "hello", "I am a bot", agentParticipants=[bot]))
    assert [(message.role, message.sender) for message in transcript.messages] == [
        (Role.CUSTOMER, "Customer"), (Role.BOT, "Robo"),
    ]  # fmt: skip


def test_messages_of_two_dialogs_stand_in_order_of_time_though_their_numbers_restart() -> None:
    late = {"messageData": {"msg": {"text": "survey"}}, "messageId": "s", "seq": 0, "timeL": 10**13, "sentBy": "Agent"}
    raw = decode(record("c", NOW, "one", "two", "three"))
    raw["messageRecords"].insert(0, late)
    assert [message.text for message in project(encode(raw)).messages] == ["one", "two", "three", "survey"]


def test_transfers_joins_and_the_close_are_events_in_order() -> None:
    ms = int(NOW.timestamp() * 1000)
    raw = record(
        "c", NOW, info={"closeReason": "AGENT"},
        transfers=[{"timeL": ms + 5, "targetSkillName": "Billing", "sourceSkillName": "Bots", "reason": "Skill"}],
        agentParticipants=[{"agentId": "1", "agentFullName": "Ana", "timeL": ms + 6}],
    )  # fmt: skip
    texts = [event.text for event in project(raw).events]
    assert texts == ["transfer from Bots to Billing (Skill)", "Ana (agent) joined", "conversation closed (AGENT)"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
SECTIONS = [
    "info", "campaign", "monitoring", "messageRecords", "agentParticipants", "consumerParticipants", "transfers",
    "dialogs", "conversationSurveys", "coBrowseSessions", "summary", "sdes", "unAuthSdes", "skillChanges", "intents",
    "uniqueIntents", "latestAgentSurvey", "previouslySubmittedAgentSurveys", "pageView",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(SECTIONS), JSON), st.lists(JSON, max_size=3))
def test_projecting_is_total_whatever_a_record_holds(sections: dict[str, Any], messages: list[Any]) -> None:
    sections["info"] = {**(sections["info"] if isinstance(sections.get("info"), dict) else {}), "conversationId": "c"}
    sections.setdefault("messageRecords", [{"messageData": item, "sentBy": item, "timeL": item} for item in messages])
    transcript = project(encode(sections))
    assert all(isinstance(passage.text, str) for passage in passages(transcript))
    schemas.checked(encode(as_json(transcript, seq=1, fetched_at=NOW.isoformat())))


def test_a_time_that_no_calendar_holds_is_left_out() -> None:
    raw = record("c", NOW, info={"startTimeL": 10**20, "startTime": "nonsense"})
    assert project(raw).metadata.started_at is None


def test_a_start_without_its_number_is_read_from_its_text() -> None:
    raw = record("c", NOW, info={"startTimeL": None, "startTime": "2026-06-15 12:00:00.250+0000"})
    assert project(raw).metadata.started_at == NOW + timedelta(milliseconds=250)


@given(st.lists(JSON, max_size=5))
def test_the_slow_splitter_cuts_where_the_fast_one_does(values: list[Any]) -> None:
    raw = b"[" + b" , ".join(encode(value) for value in values) + b"]"
    odd = b"[" + b" , ".join([encode(value) for value in values] + [b'"\\ud800"']) + b" ]"
    assert split_array(raw) == [encode(value) for value in values]
    assert split_array(odd)[:-1] == split_array(raw)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_an_objects_members_are_split_exactly_even_beside_broken_text(value: dict[str, Any]) -> None:
    parts = split_object(encode(value))
    assert {name: canonical(decode(part)) for name, part in parts.items()} == {
        name: canonical(item) for name, item in value.items()
    }
    odd = encode(value)[:-1] + (b"," if value else b"") + b'"odd key":"\xff"}'
    assert {name: part for name, part in split_object(odd).items() if name != "odd key"} == parts


@pytest.mark.parametrize("raw", [b"", b"[", b"[1,]", b'["\\ud800"', b"{}", b"nonsense"])
def test_what_is_no_array_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        split_array(raw)


@pytest.mark.parametrize(
    "messages",
    [
        "needle",
        ["needle"],
        [["needle"]],
        [[{"messageData": {"msg": {"text": "needle"}}}]],
        {"messageData": {"msg": {"text": "needle"}}},
        {"0": {"messageData": {"msg": {"text": "needle"}}}},
        {"ms::d:1": {"messageData": "needle"}},
    ],
)
def test_messages_of_another_shape_than_documented_are_read(messages: Any) -> None:
    transcript = project(json.dumps({"info": {"conversationId": "c"}, "messageRecords": messages}).encode())
    assert [message.text for message in transcript.messages] == ["needle"]


def test_an_object_in_place_of_a_list_is_read_as_its_members_or_as_one_of_them() -> None:
    agents = {"1": {"agentId": "a", "agentFullName": "Ann"}, "2": {"agentId": "b", "agentFullName": "Bob"}}
    one = {"agentId": "c", "agentFullName": "Cleo", "config": {"x": 1}}
    for value, names in ((agents, ["Ann", "Bob"]), (one, ["Cleo"])):
        transcript = project(json.dumps({"info": {"conversationId": "c"}, "agentParticipants": value}).encode())
        assert [agent.name for agent in transcript.metadata.agents] == names
