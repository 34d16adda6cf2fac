"""What can be wrong with the inputs and commands of the segmentation."""

from data_contracts.errors import UsageError


class LetGoListUnreadableError(UsageError):
    """The list of customers let go by choice can't be read."""

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(
            "the list of customers let go can't be read",
            where=path,
            got=reason,
            expected="a CSV file in UTF-8 with a column customer_id",
            action="correct segmentation.let_go_list, or leave it out",
        )


class WeightUnreadableError(UsageError):
    """A weight given on the command line is no criterion and number."""

    def __init__(self, *, got: str, criteria: list[str]) -> None:
        super().__init__(
            "a weight can't be read",
            got=got,
            expected=f"CRITERION=NUMBER, none below 0 and not all 0; criteria: {', '.join(criteria)}",
            action="write it like loyalty=0.3",
        )


class CustomerNotPublishedError(UsageError):
    """Nothing is published about a customer."""

    def __init__(self) -> None:
        super().__init__(
            "nothing is published about that customer",
            where="segments.customer",
            expected="the id of a customer as `gristmill show customer` lists them",
            action="check the id; somebody new appears after the next night",
        )
