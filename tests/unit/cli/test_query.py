from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from archiver.cli.query import QueryCommand
from archiver.cli.root import root


@click.group()
@click.option("--archive")
def program(archive: str | None) -> None: ...


@program.command("ask", cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option("--limit", type=int, default=20)
@click.option("--json/--text", "as_json")
def ask(query: tuple[str, ...], limit: int, as_json: bool) -> None:
    click.echo(f"{' '.join(query)} | {limit} {as_json}")


def answer(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(program, ["ask", *words])
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["refund", "--limt", "3"], "--limit"),
        (["--limt=3", "refund"], "--limit"),
        (["refund", "--jsn"], "--json"),
        (["refund", "--txt"], "--text"),
        (["refund", "--archive", "x"], "before the command"),
        (["--archive=x", "refund"], "before the command"),
    ],
)
def test_a_misspelt_or_misplaced_option_is_an_error_and_no_word_to_exclude(words: list[str], hint: str) -> None:
    code, output = answer(*words)
    assert code == 2
    assert hint in output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["refund", "-cancel"], "refund -cancel | 20 False"),
        (["-cancel", "--limit", "3"], "-cancel | 3 False"),
        (['"--limt"', "--json"], '"--limt" | 20 True'),
        (["refund --limt", "--text"], "refund --limt | 20 False"),
        (["--limit=3", "--", "--limt", "a"], "--limt a | 3 False"),
        (["a", "--", "b"], "a b | 20 False"),
        (["---"], "--- | 20 False"),
        (["-v"], "-v | 20 False"),
    ],
)
def test_words_with_one_dash_and_all_that_is_quoted_belong_to_the_query(words: list[str], expected: str) -> None:
    assert answer(*words) == (0, f"{expected}\n")


def test_help_is_shown_for_the_short_option_too_where_it_stands_alone() -> None:
    assert "Usage:" in answer("-h")[1]
    assert answer("refund", "-h") == (0, "refund -h | 20 False\n")


@pytest.mark.parametrize("name", ["search", "export"])
def test_the_commands_that_take_a_query_are_of_this_kind(name: str) -> None:
    assert isinstance(root.get_command(click.Context(root), name), QueryCommand)
