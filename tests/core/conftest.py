"""The core knows no Qt: its tests run as if none were installed.

Without pytest-qt (``make test`` leaves it out for these tests) every import of Qt fails. With it, in a
run of all rooms at once, Qt is loaded before any test and must stay importable for the other rooms.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

FORBIDDEN = frozenset({"PySide6", "shiboken6", "pyqtgraph", "superqt", "qtpy", "xgeom_gui"})


class _ForbidQt(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in FORBIDDEN:
            raise ModuleNotFoundError(f"{fullname} is forbidden in tests of the core", name=fullname)
        return None


if "pytestqt" not in sys.modules:
    sys.meta_path.insert(0, _ForbidQt())
