"""Failures of simulating and of writing what was simulated."""

from data_contracts.errors import UsageError


class SimulationSettingError(UsageError):
    """A setting asks for a company that can't be simulated."""

    def __init__(self, *, setting: str, got: object, expected: str) -> None:
        super().__init__(
            "a setting of the simulation can't mean anything",
            where=setting,
            got=str(got),
            expected=expected,
            action=f"change {setting}",
        )


class FolderNotSimulatedError(UsageError):
    """The folder holds files of the same names that no simulation wrote: they are not overwritten."""

    def __init__(self, *, folder: str, found: str) -> None:
        super().__init__(
            "the folder holds data that a simulation did not write; nothing was changed",
            where=folder,
            got=found,
            expected="an empty folder, or one an earlier simulation wrote",
            action="choose another folder, or move those files away",
        )
