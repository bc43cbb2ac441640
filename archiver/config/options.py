"""Which settings exist, and what each means."""

from __future__ import annotations

from archiver.choices import Depth, Policy
from archiver.value import Value

DOMAIN_URL = "https://api.liveperson.net"
_AS_REFERENCE = "in files as env:NAME, file:PATH or systemd:NAME"


class Option(Value):
    """One setting: its key in files, and what it means."""

    key: str
    meaning: str
    default: str | None = None
    is_secret: bool = False
    is_url: bool = False

    @property
    def variable(self) -> str:
        return f"ARCHIVER_{self.key.upper()}"


OPTIONS = {
    option.key: option
    for option in (
        Option("archive", "folder of the archive", "archive"),
        Option(
            "store",
            "URL of the search index: https://host:9200 or cloud:ID; the embedded index in the archive if not set",
            is_url=True,
        ),
        Option("store_prefix", "what the names of this archive's Elasticsearch indices begin with", "archiver"),
        Option(
            "index_workers",
            "processes that make documents for Elasticsearch when they are many; auto: one less than this machine has"
            " cores, at most 4",
            "auto",
        ),
        Option("store_api_key", "Elasticsearch API key, " + _AS_REFERENCE, is_secret=True),
        Option("store_user", "Elasticsearch user, if there is no API key"),
        Option("store_password", "Elasticsearch password, " + _AS_REFERENCE, is_secret=True),
        Option("store_ca", "file of the certificate authority that signed Elasticsearch's certificate"),
        Option("kibana_url", "URL of Kibana, for archiver kibana install", is_url=True),
        Option("kibana_space", "Kibana space; the default space if not set"),
        Option("kibana_api_key", "Kibana API key, " + _AS_REFERENCE, is_secret=True),
        Option("kibana_user", "Kibana user, if there is no API key"),
        Option("kibana_password", "Kibana password, " + _AS_REFERENCE, is_secret=True),
        Option("kibana_ca", "file of the certificate authority that signed Kibana's certificate"),
        Option(
            "transcript_url",
            "URL of transcripts, for links in Kibana; {{value}} stands for the conversation id",
            is_url=True,
        ),
        Option("account", "LivePerson account id"),
        Option("domain_url", "URL of LivePerson's Domain API", DOMAIN_URL, is_url=True),
        Option(
            "auth", "how to log in: oauth2, oauth2-v1, oauth1 or login; if not set, the credentials that are set decide"
        ),
        Option("client_id", "OAuth 2.0 client id"),
        Option("client_secret", "OAuth 2.0 client secret, " + _AS_REFERENCE, is_secret=True),
        Option("app_key", "OAuth 1.0 app key"),
        Option("app_secret", "OAuth 1.0 secret of the app key, " + _AS_REFERENCE, is_secret=True),
        Option("access_token", "OAuth 1.0 access token, " + _AS_REFERENCE, is_secret=True),
        Option("access_token_secret", "OAuth 1.0 access token secret, " + _AS_REFERENCE, is_secret=True),
        Option("username", "user of the account, for a login without OAuth"),
        Option("password", "password of the user, " + _AS_REFERENCE, is_secret=True),
        Option(
            "masking",
            "older versions of text that LivePerson masks: follow (remove them), keep, or ask (a person decides)",
            Policy.FOLLOW,
        ),
        Option(
            "erasure",
            "older versions of text that LivePerson deletes: follow (remove them), keep, or ask (a person decides)",
            Policy.ASK,
        ),
        Option(
            "web_auth",
            "how people log in to the page: none (this machine only), token, oidc or proxy",
            "none",
        ),
        Option("web_url", "URL under which people reach the page, such as https://archive.example.com", is_url=True),
        Option("web_certificate", "file of the certificate with which the page is served over https"),
        Option("web_key", "file of the certificate's private key"),
        Option("oidc_issuer", "URL of the OpenID Connect provider, for web_auth = oidc", is_url=True),
        Option("oidc_client_id", "this page's client id at the provider"),
        Option("oidc_client_secret", "its secret, " + _AS_REFERENCE, is_secret=True),
        Option("oidc_groups", "claim of the provider that lists a person's groups", "groups"),
        Option("oidc_scopes", "what is asked for at the provider", "openid profile email"),
        Option("proxy_networks", "networks from which the proxy asks, for web_auth = proxy: 10.0.3.7/32, 127.0.0.0/8"),
        Option("proxy_secret", "what the proxy sends in proxy_secret_header, " + _AS_REFERENCE, is_secret=True),
        Option("proxy_secret_header", "header with the proxy's secret", "X-Archiver-Proxy-Secret"),
        Option("proxy_user_header", "header in which the proxy names the person", "X-Forwarded-User"),
        Option("proxy_groups_header", "header in which it names their groups, with commas", "X-Forwarded-Groups"),
        Option("mail_server", "server that sends the alerts of saved searches, such as mail.example.com:587"),
        Option("mail_from", "address from which they are sent"),
        Option("mail_username", "user of the mail server, if it wants one"),
        Option("mail_password", "password of that user, " + _AS_REFERENCE, is_secret=True),
        Option("timezone", "time zone of the days in queries and dates, such as Europe/Berlin", "UTC"),
        Option(
            "depth",
            "how conversations are read: full (by id, with all SDEs), or search (half the requests, some SDEs lack)",
            Depth.FULL,
        ),
        Option(
            "rate", "most requests a second to LivePerson; if not set, 2, and no limit for a simulator on this machine"
        ),
    )
}
