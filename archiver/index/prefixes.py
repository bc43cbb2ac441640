"""Divides the words that begin with a stem into parts that a search engine takes, where it takes no more than some
thousands of words at once. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archiver.value import Value

_LAST_ASCII, _FIRST_SURROGATE, _SURROGATES = 0x7F, 0xD800, 0x800
_LAST_CHARACTER = 0x10FFFF - _SURROGATES


class Part(Value):
    """Words that begin with `stem`; those only that go on with a character from `first` to `last`, if these are given;
    with `is_word` just the stem as a word.
    """

    stem: str
    first: str | None = None
    last: str | None = None
    is_word: bool = False


def parts(stem: str, is_taken: Callable[[Part], bool]) -> Iterator[Part]:
    """Parts that together hold each word that begins with the stem once. `is_taken` tells whether the engine takes a
    part; it must take one that holds a single word.
    """
    whole = Part(stem)
    if is_taken(whole):
        yield whole
    else:
        yield Part(stem, is_word=True)
        yield from _longer(stem, 0, _LAST_CHARACTER, is_taken)


def _longer(stem: str, first: int, last: int, is_taken: Callable[[Part], bool]) -> Iterator[Part]:
    """The words in which one of a range of characters follows the stem."""
    part = Part(stem, _character(first), _character(last))
    if is_taken(part):
        yield part
    elif first == last:
        yield from parts(stem + _character(first), is_taken)
    else:
        middle = _LAST_ASCII if first <= _LAST_ASCII < last else (first + last) // 2
        yield from _longer(stem, first, middle, is_taken)
        yield from _longer(stem, middle + 1, last, is_taken)


def _character(number: int) -> str:
    """A character by its number, which leaves out the surrogates: no word holds them."""
    return chr(number if number < _FIRST_SURROGATE else number + _SURROGATES)
