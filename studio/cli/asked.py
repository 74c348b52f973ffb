"""How much is asked of the committee beyond once: the options that ``run`` and ``round`` share."""

from __future__ import annotations

from typing import Annotated

import typer

MOST_USD = 1e9  #: of a budget: more is a slip, and endless is none
Samples = Annotated[
    int | None,
    typer.Option(help="Rationales of each teacher a question; 0: as each teacher's own --samples"),
]
Target = Annotated[
    int | None,
    typer.Option(help="Go on until so many rationales of a question are accepted; 0: do not"),
]
MostSamples = Annotated[
    int | None, typer.Option(help="Samples of one teacher at most, on the way to --target")
]
Revise = Annotated[
    int | None, typer.Option(help="How often a rejected rationale goes back to its author")
]
Blind = Annotated[
    bool | None, typer.Option("--blind/--with-gold", help="Reviewers do not see gold")
]
ReviewExplanations = Annotated[bool | None, typer.Option(help="Have explanations reviewed too")]
