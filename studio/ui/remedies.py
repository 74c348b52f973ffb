"""What to do next, said for the window: the core's messages name verbs and options of the command line.

The core speaks to both; here a remedy that is a command becomes the page or the button that does
the same. A message without one stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from studio.ui.texts import mark, tr

_REMEDIES = tuple((re.compile(said), here) for said, here in (
    (r"add --student with a model folder or hub id", mark("choose one on the Data page")),
    (r"set the variable that --api-key-env names", mark("give another with “Key …” on the Committee page")),
    (r"see 'mapd-studio teacher list'", mark("see the Committee page")),
    (r"run 'mapd-studio run PROJECT' first", mark("“Run what is missing” on the Overview makes some")),
    (r"run 'mapd-studio run … grade' first", mark("“Run what is missing” on the Overview finds them")),
    (r"run 'mapd-studio decide' first, or export with --all",
     mark("apply a rule on the Desk first, or export the rejected ones too")),
    (r"run 'mapd-studio decide PROJECT' first", mark("apply a rule on the Desk first")),
    (r": run 'mapd-studio evaluate PROJECT' where such questions are imported",
     mark(": “Measure” on the Evaluate page, where such questions are imported")),
    (r": 'mapd-studio export … [^']*' lists (ids|them)", mark(": it may have been taken back meanwhile")),
    (r": 'mapd-studio status PROJECT' lists them", mark(": it may have been taken back meanwhile")),
    (r": leave --all out", mark(": leave “Rejected ones too” out")),
    (r"name (it|the format) with --format [^\s,]+", mark("choose its format above")),
    (r"take the file without its bad rows \(--skip-bad\)",
     mark("tick “Leave bad rows out” to take the others")),
    (r"'mapd-studio restore .*' puts a backup in its place",
     mark("“Restore a backup …” puts one in its place")),
    (r"save what can be read(:| with) 'mapd-studio salvage[^']*'",
     mark("“Save what can be read …” makes a new project of the rest")),
    (r"'mapd-studio round' makes the next", mark("“A whole round …” on the Overview makes the next")),
    (r"what mapd-studio has not made", mark("what MAPD Studio has not made")),
    (r"name it with --map \S+", mark("choose its column above")),
    (r"--map \S+: choose of", mark("there is no such field: choose of")),
    (r"a larger --max-tokens", mark("a larger limit of tokens (“Edit …” on the Committee page)")),
    (r"a larger --timeout or a smaller --concurrency may help",
     mark("a longer time limit or fewer requests at once may help (“Edit …” on the Committee page)")),
    (r"a smaller --concurrency or --requests-per-minute may help",
     mark("fewer requests at once or a minute may help (“Edit …” on the Committee page)")),
    (r"resume it or name a --student", mark("resume it on the Train page, or choose another")),
    (r" with --student", mark(" on the Data page")),
    (r"'mapd-studio train PROJECT' does it, or name a student", mark("the Train page does it")),
    (r"if you trust that address, say mapd-studio teacher test .* --allow-key",
     mark("if you trust that address, allow it with “Test connection” on the Committee page")),
    (r"make one with 'mapd-studio new .*'", mark("make one with “New project …”")),
    (r"update mapd-studio first", mark("update MAPD Studio first")),
))  # fmt: skip


def in_window(message: str) -> str:
    """Return a message of the core with its remedy as the window has it."""
    for said, here in _REMEDIES:
        message = said.sub(_as_it_is(tr(here)), message)
    return message


def _as_it_is(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text  # a translation may hold what a pattern takes for a group
