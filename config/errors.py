"""What can be wrong with the settings."""

from difflib import get_close_matches

from data_contracts.errors import UsageError


class SettingsFileMissingError(UsageError):
    """There is no settings file where it was looked for."""

    def __init__(self, *, path: str) -> None:
        super().__init__(
            "there is no settings file",
            where=path,
            expected="a TOML file such as `gristmill init` writes",
            action="run `gristmill init`, or name the file with --config or GRISTMILL_CONFIG",
        )


class SettingsUnreadableError(UsageError):
    """The settings file is not TOML."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__("the settings file is not valid TOML", where=path, got=reason, action="correct that line")


class SettingInvalidError(UsageError):
    """Settings that are unknown, missing or can't be what they are."""

    def __init__(self, *, path: str, problems: list[str]) -> None:
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")  # noqa: PLR2004 a screenful
        super().__init__(
            f"{len(problems)} setting(s) can't be used",
            where=path,
            got=shown,
            action="correct them; `gristmill init --stdout` prints every setting with its meaning",
        )


class CommandUnknownNameError(UsageError):
    """A name given on the command line is not one of those there are."""

    def __init__(self, *, what: str, got: str, known: list[str]) -> None:
        close = get_close_matches(got, known, n=1)
        super().__init__(
            f"there is no such {what}",
            got=got,
            expected=", ".join(known) or "none there yet",
            action=f"did you mean {close[0]!r}?" if close else "choose one of those",
        )
