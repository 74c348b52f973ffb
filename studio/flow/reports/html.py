"""HTML that opens anywhere, offline, without scripts: text is escaped here and nowhere else.

``Markup`` is text that is HTML already; everything else that is put in is escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from studio.domain.visible import visible

MOST_CHARACTERS = 4_000  #: of one text that a model wrote

_LIGHT = """--page: #f3f4f7; --card: #ffffff; --line: #d3d7df; --text: #1b2230; --dim: #5b6475;
  --accent: #2d5bd0; --second: #c25e12; --third: #17764a; --good: #17764a; --bad: #b3261e;
  --raised: #eceef3;"""
_DARK = """--page: #14171c; --card: #1b2027; --line: #39414d; --text: #e7eaef; --dim: #9aa4b5;
  --accent: #7ea4ff; --second: #ffa15e; --third: #5fca91; --good: #5fca91; --bad: #ff8d84;
  --raised: #252b34;"""
STYLE = f"""
:root {{ {_LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_DARK} }} }}
@media print {{ :root {{ {_LIGHT} }} }}
"""
STYLE += """
:root { color-scheme: light dark; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 40px 0 12px; }
p { margin: 0 0 12px; } .lead { font-size: 20px; line-height: 1.35; margin: 20px 0 0; } .dim { color: var(--dim); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 16px; margin: 0 0 16px; overflow-x: auto; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px;
  margin: 24px 0 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; }
.tile b { display: block; font-size: 22px; line-height: 1.3; } .tile span { color: var(--dim); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--dim); font-weight: 600; font-size: 13px; } tr:last-child td { border-bottom: 0; }
td.n, th.n { text-align: right; white-space: nowrap; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 16px; }
.two > * { min-width: 0; } .two > .card { margin: 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0 0; padding: 8px 12px;
  background: var(--raised); border-radius: 6px; font: 13px/1.45 ui-monospace, monospace; }
details { border-bottom: 1px solid var(--line); padding: 8px 0; } details:last-child { border: 0; }
summary { cursor: pointer; } .good { color: var(--good); } .bad { color: var(--bad); }
svg { display: block; width: 100%; height: auto; } svg.wide { min-width: 720px; } svg text { fill: var(--dim); font-size: 11px; }
svg .name { fill: var(--text); font-size: 12px; } svg .grid { stroke: var(--line); }
.c0 { stroke: var(--accent); fill: var(--accent); } .c1 { stroke: var(--second); fill: var(--second); }
.cb { stroke: var(--bad); fill: var(--bad); }
.c2 { stroke: var(--third); fill: var(--third); } .c3 { stroke: var(--dim); fill: var(--dim); }
.s0 { stroke: var(--accent); } .s1 { stroke: var(--second); } .s2 { stroke: var(--third); }
.s3 { stroke: var(--dim); }
polyline { stroke-width: 1.6; stroke-linejoin: round; }
.faint { opacity: 0.3; stroke-width: 1; } .hollow { fill: var(--card); }
@media print { body { background: none; } main { max-width: none; padding: 0; }
  .card, .tile, tr, details { break-inside: avoid; } h2 { break-after: avoid; }
  details::details-content { content-visibility: visible; } }  /* what is folded is printed too */
"""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def esc(text: object) -> Markup:
    """Return text as HTML: escaped, capped, its invisible signs written as code points."""
    if isinstance(text, Markup):
        return text
    told = str(text)
    rest = len(told) - MOST_CHARACTERS
    shown = visible(told[:MOST_CHARACTERS])
    if rest > 0:
        shown += f"\n… {rest:,} more characters"
    return Markup(html.escape(shown, quote=True))


def join(parts: Iterable[object], between: str = "\n") -> Markup:
    """Return parts behind one another."""
    return Markup(between.join(esc(part) for part in parts))


def tag(name: str, *parts: object, css: str = "") -> Markup:
    """Return an element."""
    kind = f' class="{html.escape(css)}"' if css else ""
    return Markup(f"<{name}{kind}>{join(parts, '')}</{name}>")


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[int] = ()
) -> Markup:
    """Return a table; columns of numbers stand to the right."""
    sides = ["n" if n in numbers else "" for n in range(len(head))]
    top = tag("tr", *(tag("th", cell, css=side) for cell, side in zip(head, sides, strict=True)))
    body = [
        tag("tr", *(tag("td", cell, css=side) for cell, side in zip(row, sides, strict=True)))
        for row in rows
    ]
    return tag("table", tag("thead", top), tag("tbody", *body))


def section(title: str, *parts: object) -> Markup:
    """Return a heading with what belongs to it."""
    return join([tag("h2", title), *parts])


def tile(number: object, name: str) -> Markup:
    """Return one number with its name."""
    return tag("div", tag("b", number), tag("span", name), css="tile")


def page(title: str, body: Markup) -> str:
    """Return the whole file."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"  # nothing is fetched, nothing runs
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{esc(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
