"""The words of a prefix are divided into parts that an engine takes, without losing or doubling one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archiver.index.prefixes import Part, parts

WORDS = st.text(st.sampled_from("0123ab\x80ж\ud7ff\ue000中\U0001f600"), max_size=5)


def held(part: Part, words: set[str]) -> set[str]:
    """The words of a part, as an engine that reads words in the order of their characters would find them."""
    if part.is_word:
        return words & {part.stem}
    rests = {word: word.removeprefix(part.stem) for word in words if word.startswith(part.stem)}
    if part.first is None or part.last is None:
        return set(rests)
    return {word for word, rest in rests.items() if rest and part.first <= rest[0] <= part.last}


@given(words=st.sets(WORDS), stem=WORDS, most=st.integers(1, 4))
def test_each_word_is_in_one_part_and_no_part_is_larger_than_the_engine_takes(
    words: set[str], stem: str, most: int
) -> None:
    divided = [held(part, words) for part in parts(stem, lambda part: len(held(part, words)) <= most)]
    assert sorted(word for part in divided for word in part) == sorted(word for word in words if word.startswith(stem))
    assert all(len(part) <= most for part in divided)


def test_a_prefix_of_few_words_stays_whole() -> None:
    assert list(parts("order", lambda part: True)) == [Part("order")]
