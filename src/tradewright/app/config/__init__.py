"""Layered configuration: base, profile, asset class, the user's file, environment, command line.

Entry points: `resolve`, `Config`, `create_profile`, `list_profiles`, `engine_settings`, `to_yaml`.

Invariants: every default is written once, in `models`; a configuration is frozen and handed on, never looked up.
"""

from tradewright.app.config.engine import cost_settings, engine_settings
from tradewright.app.config.models import Config, keys
from tradewright.app.config.profiles import config_dir, create_profile, list_profiles
from tradewright.app.config.resolve import Resolved, Row, config_hash, resolve
from tradewright.app.config.text import reference, to_json, to_yaml

__all__ = [
    "Config",
    "Resolved",
    "Row",
    "config_dir",
    "config_hash",
    "cost_settings",
    "create_profile",
    "engine_settings",
    "keys",
    "list_profiles",
    "reference",
    "resolve",
    "to_json",
    "to_yaml",
]
