"""Tables as files: CSV or JSON. Knows no Qt."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xgeom_core.errors import UsageError
from xgeom_core.system import safe_files

Row = Mapping[str, Any]


def export_rows(rows: Sequence[Row], path: str | Path) -> None:
    """Write rows to a ``.csv`` or ``.json`` file; the old file stays whole until the new one is.

    Parameters
    ----------
    rows : sequence of mapping
        One mapping a line; columns appear in the order in which they are first met. None and NaN are
        empty cells in CSV and null in JSON.
    path : str or Path
        Where to; its ending chooses the format.

    Raises
    ------
    UsageError
        If the ending is another one, or the file cannot be written.
    """
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in {".csv", ".json"}:
        raise UsageError(f"{target.name}: a table is saved as .csv or .json; give it one of these endings.")
    plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
    text = _csv(plain) if kind == ".csv" else json.dumps(plain, indent=1, ensure_ascii=False) + "\n"
    write_text(target, text)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    try:
        safe_files.write_bytes(path, content)
    except OSError as error:
        raise UsageError(
            f"{path} could not be written ({error.strerror or error}): choose another folder."
        ) from error


def _csv(rows: Sequence[Row]) -> str:
    columns = dict.fromkeys(key for row in rows for key in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: "" if value is None else value for key, value in row.items()} for row in rows)
    return text.getvalue()


def _plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) or hasattr(value, "tolist"):
        return [_plain(one) for one in (value.tolist() if hasattr(value, "tolist") else value)]
    return str(value)
