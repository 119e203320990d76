"""Words from files and from other people, made fit to be shown."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 200


def visible(text: str) -> str:
    """A text on one line, with every character that is none to look at written as Python would.

    These are control characters (line breaks and tabs too), what turns the direction of writing or is
    not seen at all, and bytes of a file's name that are not text.
    """
    if text.isprintable():
        return text
    return "".join(c if _seen(c) else repr(c)[1:-1] for c in text)


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
    odd = next((c for c in name if not _seen(c)), "")
    if odd:
        return f"it holds a line end or another control character ({odd!r})"
    if not slashes and "/" in name:
        return "it holds a slash, which files cannot have in their names"
    return ""


def shortened(text: str, most: int = 120) -> str:
    """A text of at most so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _seen(character: str) -> bool:
    # Spaces of all widths are to look at, though Python escapes them.
    return character.isprintable() or unicodedata.category(character) == "Zs"
