"""Which formulas may be drawn: only those of whose commands each is known to hide and to move nothing.

A drawing must say what the text says. Commands that colour, shrink, shift or swallow what they are
given are not in the list; a formula with one of them, or with one nobody knows, is shown as it is
written.
"""

from __future__ import annotations

import re

LONGEST = 300  #: characters; ten times as many take seconds to draw
_DEEPEST = 12  #: braces in braces
_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.)", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^{}]*)\}")
_WORD = re.compile(r"[^\W\d_]{3,}")
_PLAIN = re.compile(r"[=^_\\<>+*/×÷]|^[^\W\d_]$")
_NAMES = """
frac dfrac tfrac sqrt binom cdot times div pm mp ast star circ bullet oplus otimes le leq leqslant ge geq
geqslant lt gt ne neq approx approxeq equiv sim simeq cong propto to rightarrow leftarrow Rightarrow
Leftarrow Leftrightarrow leftrightarrow longrightarrow Longrightarrow implies iff mapsto uparrow downarrow
left right big Big bigg Bigg bigl bigr Bigl Bigr middle quad qquad text textbf textit textrm mathrm mathbf
mathit mathbb mathcal mathsf boldsymbol operatorname displaystyle textstyle boxed overline underline hat
bar vec dot ddot tilde widehat overrightarrow dots ldots cdots vdots ddots angle triangle degree prime
sum prod int iint oint lim limits nolimits infty partial nabla log ln lg exp sin cos tan cot sec csc arcsin
arccos arctan sinh cosh tanh min max sup inf gcd det dim ker deg arg Pr bmod pmod mod mid nmid parallel
perp in notin ni subset subseteq supset supseteq cup cap setminus emptyset varnothing forall exists nexists
land lor lnot neg wedge vee top bot therefore because lfloor rfloor lceil rceil lvert rvert lVert rVert
langle rangle alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi
pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma
Upsilon Phi Psi Omega ell hbar Re Im aleph checkmark begin end
"""
_KNOWN = frozenset(f"\\{name}" for name in (*_NAMES.split(), *",;:! {}%$#&_|\\"))
_ENVIRONMENTS = frozenset(
    name + star for name in ("align", "aligned", "gather", "gathered", "equation", "cases", "matrix",
                             "pmatrix", "bmatrix", "vmatrix", "split")
    for star in ("", "*")
)  # fmt: skip


def is_formula(text: str, *, marked: bool = True) -> bool:
    """Return whether what stands between marks of a formula is one that may be drawn.

    Args:
        marked: the marks can mean nothing else; single dollar signs may be money.
    """
    if not text.strip() or len(text) > LONGEST or not all(map(_is_common, text)):
        return False
    if not marked and not (_PLAIN.search(text) and ("\\" in text or not _WORD.search(text))):
        return False
    if any(name not in _ENVIRONMENTS for name in _ENVIRONMENT.findall(text)):
        return False
    return all(name in _KNOWN for name in _COMMAND.findall(text)) and _is_balanced(text)


def _is_common(sign: str) -> bool:
    """Return whether the font of formulas has a sign: Latin, Greek, operators and arrows."""
    code = ord(sign)
    return sign == "\n" or 0x20 <= code < 0x7F or 0xA1 <= code < 0x180 or 0x391 <= code < 0x3CA or (
        0x2190 <= code < 0x2300) or sign in "–—…′″"  # fmt: skip


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in re.sub(r"\\[{}]", "", text):
        depth += (sign == "{") - (sign == "}")
        if not 0 <= depth <= _DEEPEST:
            return False
    return depth == 0
