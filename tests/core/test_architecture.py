"""What import-linter cannot see: that the core really imports where Qt is not installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import xgeom_core

# Runs alone in a fresh interpreter, where nothing is imported yet.
IMPORT_EVERYTHING = """
import importlib, pkgutil, sys

FORBIDDEN = ("PySide6", "shiboken6", "pyqtgraph", "superqt", "qtpy", "xgeom_gui")
# None in sys.modules is Python's own way to say that a module cannot be imported.
sys.modules.update(dict.fromkeys(FORBIDDEN))

import xgeom_core

def fail(name):
    raise

names = [m.name for m in pkgutil.walk_packages(xgeom_core.__path__, "xgeom_core.", onerror=fail)]
names = [name for name in names if not name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
loaded = [name for name in sys.modules if name.partition(".")[0] in FORBIDDEN and sys.modules[name]]
assert not loaded, loaded
print(*names)
"""


def test_every_core_module_imports_without_qt(repo: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING], cwd=repo, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    on_disk = {
        ".".join(file.relative_to(repo).with_suffix("").parts).removesuffix(".__init__")
        for file in (repo / "xgeom_core").rglob("*.py")
        if file.name != "__main__.py"
    }
    # A folder without __init__.py would silently be left out of the walk, and of the checks.
    assert set(run.stdout.split()) == on_disk - {"xgeom_core"}


def test_qt_cannot_be_imported_in_core_tests() -> None:
    if "pytestqt" in sys.modules:
        pytest.skip("pytest-qt has loaded Qt already; `make test` leaves it out for these tests")
    with pytest.raises(ImportError):
        import PySide6  # noqa: F401
    with pytest.raises(ImportError):
        import xgeom_gui  # noqa: F401


def test_installed_version_is_the_package_version() -> None:
    assert version("xgeom") == xgeom_core.__version__
