"""Addresses of servers, fit to be shown.

Belongs here: taking the password out of an address. Does not: what an address may be (the settings), connecting.
"""

import re

_CREDENTIALS = re.compile(r"(\w[\w+.-]*://)\S*@")  # up to the last @: a password may hold one, or a slash
_WITH_PASSWORD = re.compile(r"://[^\s/?]*?:[^\s]+@")
_ANY_PARAMETER = re.compile(r"(?i)(?<=[?&])\w*(?:password|secret|token)=[^&\s]*&?")
_PARAMETERS = re.compile(r"(?i)\b(\w*(?:password|secret|token))(\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^&\s]+)")


def redacted_address(text: str) -> str:
    """The same text with user names and passwords in addresses replaced by `***`.

    Rather too much than too little: everything between `://` and the last `@` goes, and the value of every parameter
    whose name ends in password, secret or token.
    """
    return _PARAMETERS.sub(r"\1\2***", _CREDENTIALS.sub(r"\1***@", text))


def without_credentials(text: str) -> str:
    """An address that can still be used by whoever is asked for user and password: those are left out."""
    return _ANY_PARAMETER.sub("", _CREDENTIALS.sub(r"\1", text))


def has_password(text: str) -> bool:
    """Whether an address holds a password, as `user:password@` or as a parameter."""
    return bool(_WITH_PASSWORD.search(text) or _PARAMETERS.search(text))
