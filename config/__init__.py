"""One frozen Settings object from TOML and environment. Read by `flows` only; others get its parts by keyword."""

from config.loading import load_settings
from config.settings import Settings

__all__ = ["Settings", "load_settings"]
