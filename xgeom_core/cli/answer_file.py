"""The file of ``xgeom predict --out``: answers are in it as they come, and it is whole at any time."""

from __future__ import annotations

import csv
import io
import json
import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xgeom_core.errors import UsageError
from xgeom_core.system.text import visible


class AnswerFile:
    """A table of answers (.csv) or a list of them (.json).

    Answers go to a hidden file beside the one that is wanted, which takes its place when this context
    ends, however it ends, if it holds an answer. Without one, a file of that name stays as it was.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UsageError
        If it is neither .csv nor .json, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        """Answers that are in it."""
        self._json = path.suffix.lower() == ".json"
        if not self._json and path.suffix.lower() != ".csv":
            raise UsageError(f"--out writes .csv or .json, not {path.name!r}.")
        if path.is_dir():
            raise UsageError(f"{path} is a folder; name the file to write.")
        # Of a name that nobody can foresee, so that no link lies in wait there.
        self._partial = path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:8]}.partial")
        self._end = 0
        try:
            self._file = os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            raise self._refused(error) from None

    def add(self, record: dict[str, Any]) -> None:
        """Write one answer, a `Prediction.record`.

        Raises
        ------
        UsageError
            If it cannot be written, such as on a full disk; those before it are in the file.
        """
        flat = None if self._json else _flat(record)
        if flat is None:
            text = (",\n" if self.count else "[\n") + json.dumps(record, indent=1)
        else:
            text = ("" if self.count else _row(flat)) + _row(flat.values())
        try:
            self._put(text)
        except OSError as error:
            raise self._refused(error) from None
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)
        if not self.count:
            self._partial.unlink(missing_ok=True)
            return
        try:
            self._partial.replace(self.path)
        except OSError as refused:
            raise UsageError(f"{self._refused(refused)} The answers are in {self._partial}.") from None

    def _put(self, text: str) -> None:
        """Append a text, whole or not at all; what closes a JSON list is overwritten by the next."""
        closing = b"\n]\n" if self._json else b""
        # Names of files need not be text.
        data = text.encode("utf-8", "backslashreplace")
        try:
            _write(self._file, data + closing, self._end)
        except OSError:
            os.ftruncate(self._file, self._end)
            _write(self._file, closing if self.count else b"", self._end)
            raise
        self._end += len(data)

    def _refused(self, error: OSError) -> UsageError:
        return UsageError(f"{self.path} cannot be written: {error.strerror or error}.")


def _write(file: int, data: bytes, offset: int) -> None:
    """All of it, in one piece if the system can."""
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def _row(cells: Any) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(
        visible(cell) if isinstance(cell, str) else cell for cell in cells
    )
    return buffer.getvalue()


_PAIRS = {
    "center_px": ("x_px", "y_px"),
    "center_sigma_px": ("x_sigma_px", "y_sigma_px"),
    "tilt_deg": ("pitch_deg", "yaw_deg"),
    "tilt_sigma_deg": ("pitch_sigma_deg", "yaw_sigma_deg"),
}
_CELL = ("a_A", "b_A", "c_A", "alpha_deg", "beta_deg", "gamma_deg")
_COLUMNS = (
    *("file", "dataset", "frame", "status", "source", "evidence"),
    *(name for pair in _PAIRS.values() for name in pair),
    *("network_x_px", "network_y_px", "header_x_px", "header_y_px"),
    *("spots", "indexed", "bravais", *_CELL, "reason", "elapsed_s"),
)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """One row of the CSV, in the order of its columns."""
    plain = ("file", "dataset", "frame", "status", "source", "evidence", "reason", "elapsed_s")
    row = {key: record[key] for key in plain}
    for key, names in _PAIRS.items():
        row |= dict(zip(names, record[key] or (None, None), strict=True))
    for who in ("network", "header"):
        center = record[who]["center_px"] if record[who] else (None, None)
        row |= dict(zip((f"{who}_x_px", f"{who}_y_px"), center, strict=True))
    crystal = record["crystal"] or {}
    row |= {key: crystal.get(key) for key in ("spots", "indexed", "bravais")}
    row |= dict(zip(_CELL, crystal.get("cell") or (None,) * 6, strict=True))
    return {name: row[name] for name in _COLUMNS}
