"""What is said where torch is needed and not installed; predicting needs none."""

from __future__ import annotations

import importlib.util

from xgeom_core.errors import ModelError


def need_torch(what: str) -> None:
    """Make sure that torch is installed.

    Parameters
    ----------
    what : str
        What needs it; the sentence begins with it.

    Raises
    ------
    ModelError
        If it is not; says how to install it.
    """
    try:
        there = importlib.util.find_spec("torch") is not None
    except (ImportError, ValueError):
        there = False
    if not there:
        raise ModelError(f"{what} needs torch, which is not installed here; type: pip install 'xgeom[train]'")
