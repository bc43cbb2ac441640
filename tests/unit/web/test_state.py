"""The state of the search page and its address."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import ConfigError
from archiver.query import parse
from archiver.web.state import COLUMNS, SearchState, hidden_fields, read_state
from tests.conftest import NOW

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)  # a form has one line
STATES = st.builds(
    SearchState,
    q=TEXT,
    filters=st.lists(TEXT.map(str.strip).filter(bool), max_size=3, unique=True).map(tuple),
    from_day=st.sampled_from(["", "2026-01-31"]),
    to_day=st.sampled_from(["", "2026-03-31"]),
    scope=st.sampled_from(["conversation", "message"]),
    sort=st.sampled_from(["newest", "relevance"]),
    view=st.sampled_from(["cards", "table"]),
    columns=st.sampled_from([COLUMNS, COLUMNS[:2], SearchState().columns]),
)


def read(address: str) -> SearchState:
    return read_state(parse_qsl(urlsplit(address).query, keep_blank_values=True))


@given(STATES)
def test_the_whole_state_stands_in_the_address(state: SearchState) -> None:
    assert read(state.href()) == state


@given(STATES, TEXT.map(str.strip).filter(bool))
def test_a_filter_that_is_added_can_be_removed_again_and_a_new_question_begins_with_its_first_page(
    state: SearchState, text: str
) -> None:
    narrowed = read(state.with_filter(text))
    assert text in narrowed.filters
    assert text not in read(narrowed.without_filter(text)).filters
    assert read(SearchState(after="cursor").with_filter(text)).after == ""
    assert read(SearchState().href(after="cursor")).after == "cursor"


@given(STATES)
def test_a_form_repeats_what_it_does_not_ask_for(state: SearchState) -> None:
    asked = {"q": state.q, "from": state.from_day, "to": state.to_day, "sort": state.sort, "scope": state.scope}
    sent = [*asked.items(), *hidden_fields(state, tuple(asked))]
    assert read_state(sent) == state


def test_the_last_of_several_parameters_counts_and_an_unknown_one_is_refused() -> None:
    assert read("/?q=a&q=b&col=nonsense&f=&f=x&f=x") == SearchState(q="b", filters=("x",))
    with pytest.raises(ConfigError, match="no parameter 'nonsense'"):
        read("/?nonsense=1&q=a")


def test_alternatives_in_the_box_stay_together_beside_filters() -> None:
    state = SearchState(q="refund OR hotel", filters=("skill:Flights",), from_day="2026-01-01")
    assert state.query == "(refund OR hotel) skill:Flights after:2026-01-01"
    assert SearchState(q="refund OR hotel").query == "refund OR hotel"
    assert SearchState(q=" ", filters=("mcs:<40",)).query == "mcs:<40"
    assert SearchState().is_empty
    assert parse(state.query, now=NOW)


def test_days_bound_the_start_of_conversations_and_the_sending_of_messages() -> None:
    days = {"from_day": "2026-08-01", "to_day": "2026-08-31"}
    assert SearchState(q="refund", **days).query == "(refund) after:2026-08-01 before:2026-08-31"
    assert SearchState(q="refund", scope="message", **days).query == "(refund) sent:2026-08-01..2026-08-31"
    for state in (
        SearchState(scope="message", from_day="2026-08-01"),
        SearchState(scope="message", to_day="2026-08-31"),
    ):
        assert parse(state.query, now=NOW)


def test_line_ends_are_read_as_a_form_shows_and_sends_them() -> None:
    state = read_state([("q", "lawyer\r\nrefund\0x"), ("f", 'skill:="a\r\nb"')])
    assert state.q == "lawyer refund x"
    assert state.filters == ('skill:="a\nb"',)
