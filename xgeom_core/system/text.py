"""Words from files and from other people, made fit to be shown."""

from __future__ import annotations

import unicodedata

# Control characters, halves of surrogate pairs, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
# They turn the direction of what follows around, so that a name reads as another.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LONGEST_NAME = 200


def printable(text: str, kept: str = "") -> str:
    """A text in which control characters are spelled out, such as ``\\x1b``: a terminal obeys them else.

    Parameters
    ----------
    text : str
    kept : str
        Characters to leave as they are, such as line ends.
    """
    if text.isprintable():
        return text
    return "".join(c if c in kept or not _obeyed(c) else repr(c)[1:-1] for c in text)


def name_problem(name: str, slashes: bool = True) -> str:
    """Why a text cannot be a name or a title, as the end of a sentence; empty if it can.

    Parameters
    ----------
    name : str
    slashes : bool
        Whether it may hold ``/``.
    """
    if not name.strip():
        return "it is empty"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name)} letters; {LONGEST_NAME} are the most"
    odd = next((c for c in name if _obeyed(c)), "")
    if odd:
        return f"it holds a line end or another control character ({odd!r})"
    if not slashes and "/" in name:
        return "it holds a slash, which files cannot have in their names"
    return ""


def shortened(text: str, most: int = 120) -> str:
    """A text of at most so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _obeyed(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN or character in _TURNING
