"""Fixtures for every room. Imports no Qt: the core tests run where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from costs import (  # noqa: F401 - hooks of pytest
    pytest_addoption,
    pytest_collection_modifyitems,
    pytest_runtest_protocol,
    pytest_terminal_summary,
)

REPO = Path(__file__).resolve().parent.parent

# The same examples every time; a slow or busy machine is no failure.
settings.register_profile(
    "xgeom",
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("xgeom")


@pytest.fixture(scope="session", autouse=True)
def _private_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Settings and state go to a temporary folder, never to those of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        folder = home / name.lower()
        folder.mkdir()
        os.environ[name] = str(folder)


@pytest.fixture(scope="session")
def repo() -> Path:
    """Root of the checkout."""
    return REPO


@pytest.fixture(scope="session")
def frames_dir() -> Path:
    """Folder of reference frames with known truth; skips the test where it is absent."""
    folder = Path(os.environ.get("XGEOM_FRAMES") or REPO.parent / "shared" / "frames")
    if not folder.is_dir():
        pytest.skip(f"no reference frames at {folder}; set XGEOM_FRAMES to their folder")
    return folder.resolve()
