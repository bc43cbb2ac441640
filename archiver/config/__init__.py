"""Settings: which exist, where each value comes from, and which are secrets."""

from archiver.config.files import settings_files
from archiver.config.mail import MailServer, mail_address, mail_server
from archiver.config.options import DOMAIN_URL, OPTIONS
from archiver.config.secrets import Secret
from archiver.config.settings import Settings, StoreAddress, find_settings, load, profiles
from archiver.config.urls import ServerUrl, host_of, is_address, is_loopback, names_this_machine, server_url, shown_url
from archiver.config.web import Oidc, Proxy, WebAuth, WebSettings, web_settings

__all__ = [
    "DOMAIN_URL",
    "OPTIONS",
    "MailServer",
    "Oidc",
    "Proxy",
    "Secret",
    "ServerUrl",
    "Settings",
    "StoreAddress",
    "WebAuth",
    "WebSettings",
    "find_settings",
    "host_of",
    "is_address",
    "is_loopback",
    "load",
    "mail_address",
    "mail_server",
    "names_this_machine",
    "profiles",
    "server_url",
    "settings_files",
    "shown_url",
    "web_settings",
]
