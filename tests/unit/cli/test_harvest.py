from __future__ import annotations

import pytest
from click.testing import CliRunner

from archiver.cli.root import root
from archiver.errors import ConfigError


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--every", "5m"], "--every"),
        (["--listen", "off", "--from", "3d"], "--listen"),
        (["--follow", "--to", "today"], "--to"),
        (["--follow", "--dry-run"], "--dry-run"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(words: list[str], option: str) -> None:
    error = CliRunner().invoke(root, ["harvest", *words]).exception
    assert isinstance(error, ConfigError)
    assert error.message.startswith(option)
    assert option in str(error.hint)
