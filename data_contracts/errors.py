"""The errors every layer raises. Each is built from facts; the command line prints them and exits with their code.

Belongs here: the base classes, one per exit code. Does not: a package's own failures, which subclass these in
that package's `errors.py`.
"""

from typing import Any, ClassVar


class GristmillError(Exception):
    """A failure told in facts.

    Args:
        what: one sentence, what went wrong.
        where: the file, table, column or setting it went wrong in.
        got: what was found there (never a personal value).
        expected: what should have been there.
        action: what the reader can do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", got: str = "", expected: str = "", action: str = "") -> None:
        self.what = what
        self.where = where
        self.got = got
        self.expected = expected
        self.action = action
        super().__init__(what)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as facts: subclasses are built from others than they keep."""
        facts = (self.what, self.where, self.got, self.expected, self.action)
        return _travelled, (type(self), facts), self.__dict__

    def facts(self) -> dict[str, str]:
        """The facts that are known, by name, in the order a reader wants them."""
        named = {
            "error": type(self).__name__,
            "what": self.what,
            "where": self.where,
            "got": self.got,
            "expected": self.expected,
            "action": self.action,
        }
        return {name: value for name, value in named.items() if value}

    def __str__(self) -> str:
        labels = {"where": "where", "got": "got", "expected": "expected", "action": "what to do"}
        facts = self.facts()
        return "\n".join([self.what, *(f"  {label}: {facts[name]}" for name, label in labels.items() if name in facts)])


def _travelled(kind: type[GristmillError], facts: tuple[str, str, str, str, str]) -> GristmillError:
    """An error that arrived from another process, without its class's own way of being built."""
    error = kind.__new__(kind)
    what, where, got, expected, action = facts
    GristmillError.__init__(error, what, where=where, got=got, expected=expected, action=action)
    return error


class UsageError(GristmillError):
    """The command or the settings can't mean anything: nothing was started."""

    exit_code: ClassVar[int] = 2


class DataBlockedError(GristmillError):
    """The data (or what was learnt from them) can't be trusted: the tables published before stay."""

    exit_code: ClassVar[int] = 3


class DependencyDownError(GristmillError):
    """Something we need did not answer: trying again later may work."""

    exit_code: ClassVar[int] = 4


class AlreadyRunningError(GristmillError):
    """Another run holds what this one needs."""

    exit_code: ClassVar[int] = 5
