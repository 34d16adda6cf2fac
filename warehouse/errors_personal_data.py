"""Failures of keeping personal data apart, and of erasing people.

Belongs here: one class a failure. None of them ever shows a personal value: not an id, not an address, not a key.
"""

from data_contracts.errors import UsageError


class PersonalDataKeyWeakError(UsageError):
    """The key is no key: too short, or too regular to have been drawn at random."""

    def __init__(self, *, variable: str, problem: str) -> None:
        super().__init__(
            "the key for personal data can't be used",
            where=f"the environment variable {variable}",
            got=f"{problem} (it is not shown)",
            expected="at least 32 random bytes, written in hexadecimal or Base64",
            action=f"make one with `gristmill key`, keep it in your store of secrets, and set {variable} to it",
        )


class PersonalDataKeyNeededError(UsageError):
    """Erasing, and keeping erased people out, goes by keyed hashes: it can't be done without the key."""

    def __init__(self, *, variable: str, erasures: int) -> None:
        held = f"{erasures} erasure{'' if erasures == 1 else 's'} on record" if erasures else "no key"
        super().__init__(
            "the key for personal data is needed to keep erased people out; nothing was loaded"
            if erasures
            else "the key for personal data is needed to erase a person; nothing was erased",
            where=f"the environment variable {variable}",
            got=f"{held}, and the variable is not set" if erasures else "the variable is not set",
            expected="the key that contact data are hashed with",
            action="set it from your store of secrets"
            if erasures
            else "make one with `gristmill key`, keep it in your store of secrets, and set the variable to it",
        )


class PersonalDataKeyChangedError(UsageError):
    """Erased people were written down with another key: they can't be recognised with this one."""

    def __init__(self, *, variable: str, erasures: int) -> None:
        super().__init__(
            "erased people are on record under another key: with this one they would not be recognised",
            where=f"the environment variable {variable}",
            got=f"{erasures} erasure{'' if erasures == 1 else 's'} made with another key",
            expected="the key they were made with",
            action="set the former key again; a changed key needs every erasure asked for anew",
        )


class ErasureRecordUnreadableError(UsageError):
    """A file that says who was erased can't be read: going on could bring that person back."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "the record of an erasure can't be read; nothing was loaded, so that nobody comes back by mistake",
            where=path,
            got=reason,
            expected="the file as `gristmill erase` wrote it",
            action="restore that file from a backup, or from another copy of the erasures",
        )


class PersonUnknownError(UsageError):
    """Nothing that is kept belongs to the person asked for."""

    def __init__(self, *, looked_for: str) -> None:
        super().__init__(
            "nothing that is kept belongs to that person; nothing was erased",
            got=f"no match for the {looked_for} given",
            expected="an id as the source writes it, or as segments show it; or --email or --phone",
            action="check the spelling; to keep the person out of later loads all the same: --even-if-unknown --yes",
        )


class PersonAmbiguousError(UsageError):
    """An e-mail address or phone number belongs to several customers."""

    def __init__(self, *, kind: str, customers: int) -> None:
        super().__init__(
            f"several customers have that {kind}; nothing was erased",
            got=f"{customers} customers",
            expected="one",
            action="name the customer's id",
        )


class ContactUnreadableError(UsageError):
    """What was given as an e-mail address or a phone number is not one."""

    def __init__(self, *, kind: str) -> None:
        super().__init__(
            f"that is no {kind}; nothing was erased",
            got="a value that can't be read as one (it is not shown)",
            expected="jane@example.org" if kind == "e-mail address" else "a number with its country, e.g. +44 ...",
            action="correct it",
        )


class ErasureNotConfirmedError(UsageError):
    """Nobody said yes."""

    def __init__(self) -> None:
        super().__init__(
            "erasing can't be undone and was not confirmed; nothing was erased",
            expected="--yes, or an answer at the terminal",
            action="look at what would go with --dry-run, then add --yes",
        )


class NobodyNamedError(UsageError):
    """The command was not told whom to erase."""

    def __init__(self) -> None:
        super().__init__(
            "nobody was named; nothing was erased",
            expected="a customer's id, or --email, or --phone",
            action="name the person",
        )
