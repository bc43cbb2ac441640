"""Settings: which there are, where each comes from, and the secrets among them."""

from archiver.config.options import OPTIONS
from archiver.config.secrets import Secret
from archiver.config.settings import Settings, StoreAddress, load, profiles
from archiver.config.urls import is_loopback

__all__ = [
    "OPTIONS",
    "Secret",
    "Settings",
    "StoreAddress",
    "is_loopback",
    "load",
    "profiles",
]
