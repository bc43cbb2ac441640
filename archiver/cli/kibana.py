"""`archiver kibana`."""

from __future__ import annotations

import click

from archiver.cli import context as shared
from archiver.config import Settings, shown_url
from archiver.errors import ConfigError, counted
from archiver.kibana import KibanaAddress, Object, default_view, import_objects, ndjson, saved_objects
from archiver.resources import kibana_panels


@click.group("kibana")
def command() -> None:
    """Put data views, searches and dashboards into Kibana.

    Needs the archive to be in Elasticsearch (ARCHIVER_STORE). A conversation id in Kibana becomes a link to its
    transcript when ARCHIVER_TRANSCRIPT_URL says where transcripts are, such as
    http://127.0.0.1:8080/conversations/{{value}}

    \b
    Examples:
      ARCHIVER_KIBANA_URL=https://kibana.example:5601 archiver kibana install
      archiver kibana export > archiver.ndjson
    """


@command.command("install")
@click.option("--replace", "replaces", is_flag=True, help="Replace what is there, with everything changed in it.")
@click.pass_context
def install(context: click.Context, replaces: bool) -> None:
    """Import everything into a running Kibana.

    What an earlier import left there stays as it is, as somebody may have changed it; --replace puts everything back as
    it was delivered. To change a dashboard for good, save it under another name.

    \b
    Examples:
      ARCHIVER_KIBANA_URL=http://127.0.0.1:5601 archiver kibana install
      ARCHIVER_KIBANA_URL=https://kibana.example:5601 ARCHIVER_KIBANA_API_KEY=… archiver kibana install
      archiver kibana install --replace
    """
    chosen = shared.settings(context)
    view = default_view(chosen.store.prefix)
    done = import_objects(_address(chosen), _objects(chosen), view=view, replaces=replaces)
    click.echo(
        f"{counted(done.taken, 'object')} imported into Kibana. Open its dashboards and search for: Archive", err=True
    )
    if done.kept:
        click.echo(f"{counted(done.kept, 'object')} were there and stay as they are: --replace replaces them", err=True)


@command.command("export")
@click.pass_context
def export(context: click.Context) -> None:
    """Print the objects as NDJSON, to be imported by hand: Stack Management, Saved Objects.

    \b
    Examples:
      archiver kibana export > archiver.ndjson
    """
    click.echo(ndjson(_objects(shared.settings(context))), nl=False)


def _objects(chosen: Settings) -> list[Object]:
    url = chosen.optional("transcript_url")
    if url and "{{value}}" not in url:
        raise ConfigError(
            f"transcript_url {shown_url(url)} does not say where the conversation id goes",
            hint="Write {{value}} there: http://127.0.0.1:8080/conversations/{{value}}",
        )
    return saved_objects(kibana_panels(), chosen.store.prefix, url)


def _address(chosen: Settings) -> KibanaAddress:
    url, user, password = chosen.kibana
    return KibanaAddress(
        url, chosen.optional("kibana_space"), chosen.optional_secret("kibana_api_key"), user, password,
        chosen.path("kibana_ca"),
    )  # fmt: skip
