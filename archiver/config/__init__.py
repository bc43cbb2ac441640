"""Settings: which exist, where each value comes from, and which are secrets."""

from archiver.config.files import settings_files
from archiver.config.options import OPTIONS
from archiver.config.secrets import Secret
from archiver.config.settings import Settings, StoreAddress, find_settings, load, profiles
from archiver.config.urls import is_loopback, server_url

__all__ = [
    "OPTIONS",
    "Secret",
    "Settings",
    "StoreAddress",
    "find_settings",
    "is_loopback",
    "load",
    "profiles",
    "server_url",
    "settings_files",
]
