"""Secrets are taken out of failures before anybody is told: logs, run pages, whoever reads standard error.

Belongs here: what the secrets are, and rewriting errors that hold one, whoever raised them. Does not: errors of our own
that are built without secrets in the first place, which nearly all are: this is for the others, and for bugs.
"""

import os
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from data_contracts.addresses import has_password, redacted_address
from data_contracts.errors import GristmillError

if TYPE_CHECKING:
    from config.settings import Settings

WITHHELD = "***"
_SECRET_NAME = re.compile(r"(?i)password|secret|token|webhook|(^|_)key$")
_SHORTEST = 6  # what is shorter is found in harmless words, too


def known_secrets(settings: "Settings | None" = None, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Texts that nobody may see, longest first: passwords and addresses of the settings and of the environment.

    Args:
        settings: a company's settings, once they are read.
        environment: by default the process's own.
    """
    there = os.environ if environment is None else environment
    found = [value for name, value in there.items() if _is_secret(name, value)]
    if settings is not None:
        found += [there.get(spec.database_variable or "", "") for spec in settings.inputs.values()]
        found += [settings.warehouse_address, settings.registry.tracking_uri, settings.orchestration.api_url]
    secrets = {secret for value in found for secret in _secrets_in(value) if len(secret) >= _SHORTEST}
    if settings is not None and (webhook := settings.notifications.webhook.get_secret_value()):
        secrets |= {webhook, urlsplit(webhook).path} - {"", "/"}  # who has a webhook's address may use it
    return tuple(sorted(secrets, key=lambda secret: (-len(secret), secret)))


def withheld(text: str, secrets: tuple[str, ...]) -> str:
    """The same text without the secrets, and without user and password of any address."""
    for secret in secrets:
        text = text.replace(secret, WITHHELD)
    return redacted_address(text)


@contextmanager
def secrets_withheld(secrets: tuple[str, ...]) -> Iterator[None]:
    """A frame around work whose failures are told to others: they say the same, without the secrets.

    Raises:
        RuntimeError: in place of an error that can't be rewritten; it names its type.
    """
    try:
        yield
    except Exception as error:
        _rewrite(error, secrets, seen=set())
        if _says(secrets, f"{error} {error!r}"):
            raise RuntimeError(f"{type(error).__name__}: {withheld(str(error), secrets)}") from None
        if _says(secrets, "".join(traceback.format_exception(error))):
            error.__cause__, error.__suppress_context__ = None, True  # what it came of can't be rewritten
        raise


def _says(secrets: tuple[str, ...], told: str) -> bool:
    return any(secret in told for secret in secrets)


def _is_secret(name: str, value: str) -> bool:
    """A path names where a secret is kept; an address is one under any name."""
    return has_password(value) or (bool(_SECRET_NAME.search(name)) and not value.startswith("/"))


def _secrets_in(value: str) -> list[str]:
    """A secret that is no address, whole; of an address with a password the whole, and the password alone."""
    if "://" not in value:
        return [value]
    try:
        password = urlsplit(value).password or ""
    except ValueError:
        return [value]
    return [value, password, unquote(password)] if password or has_password(value) else []


def _rewrite(error: BaseException, secrets: tuple[str, ...], seen: set[int]) -> None:
    """Rewrite what an error says, and what those say that it came of."""
    if id(error) in seen:
        return
    seen.add(id(error))
    if isinstance(error, GristmillError):
        for fact in ("what", "where", "got", "expected", "action"):
            setattr(error, fact, withheld(getattr(error, fact), secrets))
    error.args = tuple(withheld(said, secrets) if isinstance(said, str) else said for said in error.args)
    for other in (*error.args, error.__cause__, error.__context__):
        if isinstance(other, BaseException):
            _rewrite(other, secrets, seen)
