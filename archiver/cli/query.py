"""Commands that take a query: words that begin with one dash exclude, words that begin with two dashes are options."""

from __future__ import annotations

import re

import click

_OPTION = re.compile(r"--[A-Za-z][\w-]*")


class QueryCommand(click.Command):
    """A command whose arguments are a query, in which `-word` excludes a word.

    So it has no short options. A misspelt option is an error all the same: read as a word to exclude it would silently
    change the answer.
    """

    ignore_unknown_options = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.help_option_names = ["--help"]
        if args == ["-h"]:
            args = ["--help"]
        self._check_options(ctx, args)
        return super().parse_args(ctx, args)

    def _check_options(self, ctx: click.Context, args: list[str]) -> None:
        known = {name for param in self.get_params(ctx) for name in param.opts + param.secondary_opts}
        for arg in args[: args.index("--")] if "--" in args else args:
            option = _OPTION.match(arg)
            if option and option[0] not in known:
                raise self._unknown(ctx, option[0], known)

    def _unknown(self, ctx: click.Context, option: str, known: set[str]) -> click.UsageError:
        root = ctx.find_root()
        if option in {name for param in root.command.get_params(root) for name in param.opts}:
            return click.UsageError(f"{option} belongs before the command: archiver {option} … {ctx.info_name} …", ctx)
        from archiver.errors import suggest

        hint = suggest(option, known, what="Options")
        return click.UsageError(
            f"No such option {option}. {hint} A word of the query goes into quotes: '\"{option}\"'.", ctx
        )
