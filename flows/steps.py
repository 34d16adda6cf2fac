"""What the wiring of the verbs is written in: a step, and what a verb returns.

Belongs here: these two types. Does not: any step, or who carries one out (`orchestration.py`, `prefect_flows.py`).
"""

from collections.abc import Callable
from typing import Any, Protocol

from flows.context import Context

Result = dict[str, Any]


class Step(Protocol):
    """Carries out one named step: calls `function(context, …)`, directly or as a task."""

    def __call__(  # noqa: D102 said above
        self,
        name: str,
        function: Callable[..., Any],
        *,
        context: Context,
        parts: int | None = None,
        **arguments: Any,  # noqa: ANN401 whatever the function takes
    ) -> Any: ...  # noqa: ANN401 a step returns what its function returns
