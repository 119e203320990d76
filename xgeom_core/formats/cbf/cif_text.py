"""The part of CIF that image headers use: single items and loops, into tables of text.

Items of a category belong together: ``_axis.id`` and ``_axis.type`` become the table ``axis`` with the
columns ``id`` and ``type``. Names are lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Table = list[dict[str, str]]

_TOKEN = re.compile(r"""'(?:[^'\n]|'(?=\S))*'(?=\s|$)|"(?:[^"\n]|"(?=\S))*"(?=\s|$)|[^\s#]\S*|\#[^\n]*""")
_MOST_ROWS = 100_000
_BLANK = {".", "?"}


def tables(text: str) -> dict[str, Table]:
    """All categories of a CIF text; damaged loops give the rows that are whole.

    Parameters
    ----------
    text : str
        One or more data blocks; a category that several blocks state is joined.

    Returns
    -------
    dict
        Rows by lower-case name of the category. Single items make a table of one row. Values of ``.``
        and ``?`` are left out.
    """
    found: dict[str, Table] = {}
    tokens = list(_tokens(text))
    at = 0
    while at < len(tokens):
        word, quoted = tokens[at]
        if not quoted and word.lower() == "loop_":
            at = _loop(tokens, at + 1, found)
        elif not quoted and word.startswith("_") and at + 1 < len(tokens):
            value, value_quoted = tokens[at + 1]
            if value_quoted or not value.startswith("_"):
                category, item = _name(word)
                table = found.setdefault(category, [])
                if not table:
                    table.append({})
                if value not in _BLANK or value_quoted:
                    table[0].setdefault(item, value)
                at += 1
            at += 1
        else:
            at += 1
    return found


def _loop(tokens: list[tuple[str, bool]], at: int, found: dict[str, Table]) -> int:
    """Read one loop into its table; where the next token stands."""
    names = []
    while at < len(tokens) and tokens[at][0].startswith("_") and not tokens[at][1]:
        names.append(_name(tokens[at][0]))
        at += 1
    values = []
    while at < len(tokens) and not _ends(*tokens[at]):
        values.append(tokens[at])
        at += 1
    if names:
        table = found.setdefault(names[0][0], [])
        for start in range(0, min(len(values) // len(names), _MOST_ROWS) * len(names), len(names)):
            row = zip(names, values[start : start + len(names)], strict=True)
            table.append({item: value for (_, item), (value, quoted) in row if quoted or value not in _BLANK})
    return at


def _ends(word: str, quoted: bool) -> bool:
    return not quoted and (
        word.startswith("_") or word.lower() == "loop_" or word.lower().startswith("data_")
    )


def _name(word: str) -> tuple[str, str]:
    category, _, item = word[1:].lower().partition(".")
    return category, item


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Words and whether they were quoted; text fields between semicolons are one quoted word."""
    block: list[str] | None = None
    for line in text.split("\n"):
        if block is not None:
            if line.startswith(";"):
                yield "\n".join(block).removeprefix("\n"), True
                block = None
            else:
                block.append(line)
        elif line.startswith(";"):
            block = [line[1:]]
        else:
            for match in _TOKEN.finditer(line[:4000]):
                word = match.group()
                if word.startswith("#"):
                    break
                quoted = len(word) >= 2 and word[0] in "'\"" and word[0] == word[-1]
                yield (word[1:-1] if quoted else word), quoted
