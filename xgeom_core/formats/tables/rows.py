"""The rows of a table of centers, as texts under what their columns mean."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from xgeom_core.errors import MissingDatasetError, UnreadableFileError
from xgeom_core.formats.tables.columns import flat, has_center, meanings, plain

HEADER_LINES = 30
_LISTS = ("frames", "records", "results", "readings", "estimates", "experiments", "data")
Row = tuple[int, dict[str, str]]
"""Where a row stands, for messages, and its texts by meaning."""


def find_header(lines: list[str]) -> tuple[int, str | None, list[str]] | None:
    """Line number, separator (None: blanks) and names of the first line that names a center."""
    for number, line in enumerate(lines):
        content = line.strip().lstrip("\ufeff#").strip()
        if not content or len(content) > 20_000:
            continue
        for separator in ("\t", ",", ";", None):
            if separator is not None and separator not in content:
                continue
            names = [name.strip().strip('"') for name in content.split(separator)]
            known = meanings(names)
            # In running text the words x and y may stand as well.
            if has_center(known) and (separator is not None or 2 * len(known) >= len(names)):
                return number, separator, names
            break
    return None


def text_rows(text: str, path: Path) -> Iterator[Row]:
    """Rows as meaning and text, with the line they stand on."""
    lines = text.split("\n")
    header = find_header(lines[:HEADER_LINES])
    if header is None:
        raise MissingDatasetError(
            f"{path} names no columns of a center: a header such as 'frame,x_px,y_px' was expected."
        )
    start, separator, names = header
    columns = meanings(names)
    body = lines[start + 1 :]
    split: Iterable[list[str]]
    if separator is None:
        split = (line.split() for line in body)
    else:
        split = csv.reader(body, delimiter=separator, skipinitialspace=True)
    for number, cells in enumerate(split, start + 2):
        if not cells or cells[0].lstrip().startswith("#") or not any(cell.strip() for cell in cells):
            continue
        row = {meaning: cells[at].strip() for meaning, at in columns.items() if at < len(cells)}
        own = {"x_px", "y_px"} <= {plain(name) for name in names}
        yield number, row | ({"own": "1"} if own else {})


def json_rows(text: str, path: Path) -> Iterator[Row]:
    """Objects as meaning and text, counted from 1."""
    for number, record in enumerate(_records(text, path), 1):
        if not isinstance(record, dict):
            raise UnreadableFileError(f"{path} is a JSON list of something else than objects with a center.")
        named = flat(record)
        columns = meanings(list(named))
        cells = list(named.values())
        row = {meaning: cells[at].strip() for meaning, at in columns.items()}
        yield number, row | ({"own": "1"} if "x_px" in named else {})


def _records(text: str, path: Path) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _json_lines(text, path)
    if isinstance(found, dict):
        inner = next((found[key] for key in _LISTS if isinstance(found.get(key), list)), None)
        return inner if inner is not None else [found]
    return found if isinstance(found, list) else []


def _json_lines(text: str, path: Path) -> list[Any]:
    """One object a line, as ``xgeom predict --json`` prints them."""
    records = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(f"{path} is not valid JSON (line {number}): copy it again.") from error
    return records
