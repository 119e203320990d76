"""Known crystals for the tests of the lattice room."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def crystals():
    """The module beside this file; tests run in importlib mode, without packages."""
    name = "lattice_test_crystals"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("crystals.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
