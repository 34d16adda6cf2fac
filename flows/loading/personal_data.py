"""The key for personal data, as the environment gives it, and what is said where there is none.

Belongs here: asking the environment. Does not: what the key is used for (`warehouse.personal_data`), erasing
(`erasing.py`).
"""

import os
from collections.abc import Mapping

from config.settings import Settings
from flows.context import Context
from warehouse.personal_data import CONTACT_KINDS, KEY_VARIABLE, PersonalDataKey

WITHOUT_A_KEY = (
    f"{KEY_VARIABLE} is not set: e-mail addresses and phone numbers get no keyed hash to join by, and nobody can be "
    "erased; make a key with `gristmill key`, keep it in your store of secrets, and set the variable"
)


def personal_data_key(environment: Mapping[str, str] | None = None) -> PersonalDataKey | None:
    """The key for personal data from the environment (by default the process's own); None where it is not set.

    Raises:
        PersonalDataKeyWeakError: what is set is no key.
    """
    text = (os.environ if environment is None else environment).get(KEY_VARIABLE, "")
    return PersonalDataKey.read(text) if text else None


def key_for_load(context: Context) -> PersonalDataKey | None:
    """The key to hash contact data with in a load; where there are such data and no key, that is said, once a load.

    Raises:
        PersonalDataKeyWeakError: what is set is no key.
    """
    key = personal_data_key()
    if key is None and any(
        column in source.mapped_columns() for source in context.settings.sources.values() for column in CONTACT_KINDS
    ):
        context.reporter.say(WITHOUT_A_KEY)
    return key


def phone_country(settings: Settings) -> str | None:
    """Where phone numbers without a country are from (ISO 3166); None leaves those unread."""
    return settings.identity.country
