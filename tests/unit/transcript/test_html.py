"""The text of HTML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.transcript.html import read_html

TAGS = (
    "p",
    "b",
    "a href='x y'",
    "/a",
    "/p",
    "br/",
    "!--",
    "![x",
    "?php",
    "script",
    "/script",
    "td",
    "style",
    "svg",
    "&#x110000;",
)


@given(st.lists(st.sampled_from(TAGS).map("<{}>".format) | st.text(max_size=8), max_size=12).map("".join))
def test_any_string_has_a_text(markup: str) -> None:
    assert isinstance(read_html(markup).text_with_links, str)


@given(st.lists(st.text("abcdefgh äß漢", min_size=1), max_size=5))
def test_text_without_markup_is_itself_with_single_blanks(texts: list[str]) -> None:
    assert read_html(" ".join(texts)).text_with_links == " ".join(" ".join(texts).split())


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<tr><td>Sum</td><td>12</td></tr><tr><th>Tax</th></tr>", "Sum 12\nTax"),
        ("<button>Yes</button><button>No</button>", "Yes No"),
        ("<dl><dt>Size</dt><dd>L</dd></dl>", "Size\nL"),
        ("one<hr>two<h6>three</h6>four", "one\ntwo\nthree\nfour"),
        ("<unheard-of>one</unheard-of>two", "one\ntwo"),
        ("un<i>believ</i>able", "unbelievable"),
        ("5 < 6 &amp;&nbsp;7 &lt;b&gt;", "5 < 6 & 7 <b>"),
        ("see <![ENDIF]> this <!DOCTYPE x [<!ENTITY a>]> too", "see this ]> too"),
        ("before<style>p {}</style> after", "before after"),
        ("<a href='https://x.example/q?a=1'>our form</a>.", "our form <https://x.example/q?a=1>."),
        ("<a href='https://x.example'>https://x.example</a>", "https://x.example"),
        ("<a name='top'>top</a> <img src=x alt='a red car'>", "top a red car"),
        ("unfinished <b", "unfinished <b"),
        ("<p>first</p> price <b and <i more", "first\nprice <b and <i more"),
        ("<p>one</p><a href='x>two</p> three", "one\n<a href='x>two</p> three"),
        ("seen <!-- never closed", "seen <!-- never closed"),
        ("seen </p", "seen </p"),
        ("<b>bold</b> i <3 you <", "bold i <3 you <"),
        ("<script>not seen", ""),
        ("<textarea>typed <b>", "typed <b>"),
        ("", ""),
    ],
)
def test_words_are_those_that_a_reader_sees(markup: str, text: str) -> None:
    assert read_html(markup).text_with_links == text
