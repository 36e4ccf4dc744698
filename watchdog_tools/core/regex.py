"""A regular expression from a command line, refused where other tools read it as something else."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

_POSIX = r"\[:\^?[a-z]+:\]|\[\[[:=.]|[:=.]\]\]"  # [[:digit:]], [[=a=]], [[.hyphen.]]


def compiled(text: str, flags: int = 0) -> Pattern[str]:
    """Compile it, which takes time that no deadline bounds: for a worker. Raise ValueError with a sentence."""
    import re

    if re.search(_POSIX, text):
        raise ValueError(rf"{_short(text)} holds a POSIX class; accepted: \w, \d, \s or a set such as [a-z]")
    if re.search(r"\\[<>`']", text.replace("\\\\", "")):
        raise ValueError(rf"{_short(text)} holds one of \< \> \` \'; accepted: \b at a word's bounds, \A and \Z")
    try:
        return re.compile(text, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{_short(text)} is not a pattern: {str(error)[:120]}") from None


def _short(text: str) -> str:
    return repr(text[:80])
