"""Imports torch in a thread without holding up the window."""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_log = logging.getLogger(__name__)

# In the order in which torch itself asks for them; what a build lacks is passed over.
_LIBRARIES = ("libtorch_global_deps", "libc10", "libtorch_cpu")


@contextmanager
def quiet_import() -> Iterator[None]:
    """Around an import of torch and the loading of a model, in a thread.

    Notes
    -----
    Two things hold Python's lock, and with it the window, for a quarter of a second each: reading
    libtorch from disk, which is done here before the import and without the lock; and the collector
    of cycles, which walks through the half million objects that torch brings, again and again while
    they arrive and each time it is due afterwards. It therefore rests meanwhile, and what is there in
    the end is kept out of its sight: modules live as long as the program.
    """
    if "torch" in sys.modules:
        yield
        return
    _read_libraries()
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if "torch" in sys.modules:
            gc.freeze()
        if collecting:
            gc.enable()


def _read_libraries() -> None:
    """Load torch's libraries ahead of the import; without success the import does it."""
    if os.name != "posix":
        return
    try:
        found = importlib.util.find_spec("torch")
        # Functions called through ctypes run without the lock; ctypes' own loading keeps it.
        loader = ctypes.CDLL(None).dlopen
    except (ImportError, ValueError, OSError, AttributeError) as error:
        _log.debug("torch is not read ahead: %s", error)
        return
    if found is None or found.origin is None:
        return
    loader.argtypes, loader.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    ending = ".dylib" if sys.platform == "darwin" else ".so"
    for name in _LIBRARIES:
        path = Path(found.origin).parent / "lib" / f"{name}{ending}"
        # The first is for all that come later, as torch has it; a failure leaves it to torch.
        scope = os.RTLD_GLOBAL if name == _LIBRARIES[0] else os.RTLD_LOCAL
        if path.exists() and not loader(os.fsencode(path), os.RTLD_NOW | scope):
            return
