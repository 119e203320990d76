"""The tables of a CIF text, by gemmi."""

from __future__ import annotations

import re
from typing import cast

import gemmi

from xgeom_core.errors import UnreadableFileError

Table = list[dict[str, str]]

_MOST_ROWS = 100_000
# Detectors make the block's name of the file's, with whatever stands in that.
_BLOCK = re.compile(r"^data_.*$", re.MULTILINE)


def tables(text: str, what: str) -> dict[str, Table]:
    """All categories of a CIF text.

    Items of a category belong together: ``_axis.id`` and ``_axis.type`` become the table ``axis`` with the
    columns ``id`` and ``type``.

    Parameters
    ----------
    text : str
        One or more data blocks; a category that several blocks state is joined.
    what : str
        What the text is, for the sentence.

    Returns
    -------
    dict
        Rows by lower-case name of the category. Single items make a table of one row. Values of ``.``
        and ``?`` are left out.

    Raises
    ------
    UnreadableFileError
        If the text is no CIF.
    """
    # CIF is ASCII, and gemmi holds to it.
    plain = _BLOCK.sub("data_", text, count=1).encode("ascii", "replace")
    try:
        # Level 0: items that occur twice do no harm here.
        blocks = gemmi.cif.read_string(plain, 0)
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UnreadableFileError(f"{what} is no valid CIF ({reason}).") from error
    found: dict[str, Table] = {}
    for item in (item for block in blocks for item in block):
        if item.pair is not None:
            tag, value = cast(list[str], item.pair)
            category, name = _name(tag)
            table = found.setdefault(category, [])
            if not table:
                table.append({})
            table[0] = _stated([name], [value]) | table[0]
        elif item.loop is not None:
            names = [_name(tag) for tag in item.loop.tags]
            columns, values = [name for _, name in names], item.loop.values
            table = found.setdefault(names[0][0], [])
            for start in range(0, min(len(values), _MOST_ROWS * len(columns)), len(columns)):
                table.append(_stated(columns, values[start : start + len(columns)]))
    return found


def _stated(names: list[str], values: list[str]) -> dict[str, str]:
    """Those of a row that have a value."""
    pairs = zip(names, values, strict=True)
    return {name: gemmi.cif.as_string(value) for name, value in pairs if not gemmi.cif.is_null(value)}


def _name(tag: str) -> tuple[str, str]:
    category, _, item = tag[1:].lower().partition(".")
    return category, item
