"""Options of a training that are about what becomes of the models: what they are graded on, tuned by, promoted for."""

from typing import Annotated

import typer

PromoteAnyway = Annotated[
    str,
    typer.Option(
        "--promote-anyway",
        metavar="REASON",
        help="Promote models that are graded C or D, or surely worse than the champion; the reason is recorded.",
        show_default=False,
    ),
]
Rolling = Annotated[
    int,
    typer.Option(
        "--rolling",
        min=0,
        max=24,
        help="Grade as of this many earlier months too: does the method hold? Each takes another training.",
    ),
]
Tune = Annotated[
    bool,
    typer.Option("--tune", help="Search for better settings of the trees first (extra `tuning`)."),
]
Trials = Annotated[int, typer.Option("--trials", min=1, help="Of --tune: settings tried, over all sittings.")]
Minutes = Annotated[
    float,
    typer.Option("--minutes", min=0.01, help="Of --tune: at most so long a model, this sitting."),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Train nothing: register what was trained while the registry did not answer.",
    ),
]
