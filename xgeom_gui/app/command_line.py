"""The command ``xgeom-gui``: its options, and the only place of the window that prints.

Qt and torch are imported after the options are understood, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from xgeom_gui.app.options import Options

DEFAULT_SCREENSHOT = "xgeom-window.png"


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Understand the command line; exits with a sentence if it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="xgeom-gui",
        description="Show diffraction frames; find where the beam hits the detector and how it is tilted.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE[::DATASET]",
        help="file of frames to open, a folder, several files as one run, or a saved session (.xgeom.json)",
    )
    parser.add_argument(
        "--with",
        dest="geometries",
        action="append",
        default=[],
        metavar="FILE",
        help="geometry file of another program (DIALS, XDS, CrystFEL, pyFAI, CSV...) to compare with; "
        "may be repeated",
    )
    parser.add_argument("--example", action="store_true", help="open the bundled example frame")
    parser.add_argument(
        "--model", default="default", metavar="MODEL", help="bundled model or .safetensors file to use"
    )
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="OUT.png",
        help="predict, print the table of centers, save a picture of the window and leave "
        "(exit code 1 without an answer); needs no display",
    )
    found = parser.parse_args(arguments)
    if found.files and found.example:
        parser.error("give either FILE or --example, not both")
    spec = "\n".join(found.files)
    return Options(spec, found.example, found.screenshot, found.model, tuple(found.geometries))


def without_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether there is nothing to show a window on."""
    shown = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return platform.startswith("linux") and not any(environment.get(name) for name in shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the window; returns the exit code."""
    options = parse(arguments)
    if without_display(os.environ, sys.platform):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        options = replace(options, screenshot=options.screenshot or Path(DEFAULT_SCREENSHOT))
        print(
            "There is no display here (DISPLAY and WAYLAND_DISPLAY are unset), so the window is drawn "
            f"off screen and saved to {options.screenshot}."
        )
    if options.screenshot is not None and not options.file:
        options = replace(options, example=True)
    if os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        # Qt then remarks on every window that there is no window manager.
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")
    # HDF5 reads this when h5py is imported; a viewer must not lock a file that is being written.
    os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
    from xgeom_gui.app.launch import run  # noqa: PLC0415 (Qt is slow to import; --help does not need it)

    return run(options, say=print, complain=_complain)


def _complain(sentence: str) -> None:
    """Say a sentence on standard error."""
    print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
