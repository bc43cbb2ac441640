"""`archiver doctor`."""

from __future__ import annotations

import sys

import click

from archiver.cli import context as shared
from archiver.doctor import Check, Verdict, examine
from archiver.visible import safe

_COLOURS = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red", Verdict.SKIP: None}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.doctor/1.")
@click.option("--offline", is_flag=True, help="Ask nothing of LivePerson.")
@click.pass_context
def command(context: click.Context, as_json: bool, offline: bool) -> None:
    """Check settings, network, credentials, archive, index and disk.

    Each numbered check says what was found and, where something is wrong, what to do next. Asks LivePerson for one
    row. Exit code 9 if a check failed.

    \b
    Examples:
      archiver doctor
      archiver doctor --offline
      archiver doctor --json
    """
    findings: list[Check] = []
    for finding in examine(lambda: shared.settings(context), is_offline=offline):
        findings.append(finding)
        if not as_json:
            _print(len(findings), finding)
    if as_json:
        shared.print_json({"schema": "archiver.doctor/1", "checks": findings})
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        sys.exit(shared.FOUND_SOMETHING)


def _print(number: int, finding: Check) -> None:
    verdict = click.style(f"{finding.verdict:<4}", fg=_COLOURS[finding.verdict])
    click.echo(f"{number:>2}. {verdict}  {finding.name:<12} {safe(finding.cause)}")
    if finding.advice:
        click.echo(f"{'':>10}{'':<13} → {safe(finding.advice)}")
