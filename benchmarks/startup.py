"""From Enter to the answer: imports, one frame predicted, the window's first picture, and what is installed.

    python benchmarks/startup.py [--rounds 5] [--before FOLDER]

Each figure is the least of several rounds, which other programs disturb least. "Before" is another checkout
of xgeom, measured in turn with this one, so that their ratio holds on a busy machine as well; without one,
prediction is measured once more with torch imported, which is the least that an answer of torch's costs.

Sizes are those of the files that each package says it has installed, with all that it needs in turn.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
EXAMPLE = HERE / "resources" / "example" / "frame.h5"
PREDICT = f"import sys; sys.argv = ['xgeom', 'predict', {str(EXAMPLE)!r}, '--frames', '0']; "
# The window, until the example's frame is in it and painted; older checkouts have it elsewhere.
WINDOW = """
from PySide6.QtCore import QTimer
try:
    from xgeom_gui.app import launch
    from xgeom_gui.app.options import Options
except ImportError:
    from xgeom_gui import launch
    from xgeom_gui.options import Options
make = launch.make_window
def watched(*arguments):
    window, session, controller = make(*arguments)
    session.frame_changed.connect(lambda: QTimer.singleShot(0, lambda: (window.grab(), window.close())))
    return window, session, controller
launch.make_window = watched
launch.run(Options(example=True), print, print)
"""
WORK = {
    "import numpy": "import numpy",
    "import xgeom_core": "import xgeom_core",
    "import the Predictor": "from xgeom_core.predict import Predictor",
    "xgeom --help": "import sys; sys.argv = ['xgeom', '--help']; from xgeom_core.cli import main; main()",
    "xgeom predict, one frame": f"{PREDICT}from xgeom_core.cli import main; main()",
    "the window's first picture": WINDOW,
}
WITH_TORCH = f"{PREDICT}import torch; from xgeom_core.cli import main; main()"


def measured(code: str, checkout: Path) -> tuple[float, float, float]:
    """Wall time and processor time in seconds and peak memory in MB of a fresh Python."""
    surroundings = os.environ | {
        "PYTHONPATH": str(checkout),
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": tempfile.gettempdir(),
    }
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=checkout, env=surroundings, stdout=subprocess.DEVNULL
    )
    _, status, spent = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"A process ended with exit code {child.returncode} in {checkout}:\n{code}")
    return wall, spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1024


def least(each: Iterable[tuple[float, float, float]]) -> tuple[float, ...]:
    """The least of each figure."""
    return tuple(map(min, zip(*each, strict=True)))


def shown(name: str, figures: tuple[float, ...], then: tuple[float, ...] | None) -> str:
    """One line of the table."""
    wall, own, memory = figures
    line = f"{name:28s} {wall:6.2f} s wall  {own:6.2f} s of processor  {memory:5.0f} MB"
    if then is None:
        return line
    ratios = ", ".join(f"{new / old:.2f}" for new, old in zip(figures, then, strict=True))
    return f"{line}   before {then[0]:6.2f} s {then[1]:6.2f} s {then[2]:5.0f} MB   ratios {ratios}"


def installed(names: Iterable[str]) -> dict[str, float]:
    """Sizes in MB of packages and of all that they need, by name."""
    sizes: dict[str, float] = {}
    left = list(names)
    while left:
        name = re.sub(r"[-_.]+", "-", left.pop()).lower()
        if name in sizes:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        files = (Path(str(file.locate())) for file in found.files or ())
        sizes[name] = sum(file.stat().st_size for file in files if file.exists()) / 1e6
        left += [re.split(r"[^\w.-]", line)[0] for line in found.requires or () if "extra ==" not in line]
    return sizes


def needed(text: str, pattern: str) -> list[str]:
    """Names of the packages in a list of `pyproject.toml`."""
    listed = re.search(pattern, text, re.DOTALL | re.MULTILINE)
    assert listed is not None
    return re.findall(r'"([\w.-]+)[><=]', listed[1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path, help="another checkout of xgeom")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"least of {options.rounds} rounds; {os.cpu_count()} cores, load {load:.1f}")
    for name, code in WORK.items():
        now, then = [], []
        for _ in range(options.rounds):
            now.append(measured(code, HERE))
            if options.before is not None:
                then.append(measured(code, options.before.resolve()))
        print(shown(name, least(now), least(then) if then else None), flush=True)
    if options.before is None:
        heavy = least(measured(WITH_TORCH, HERE) for _ in range(options.rounds))
        print(shown("the same with torch imported", heavy, None))
    text = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    plain = installed(needed(text, r"^dependencies = \[(.*?)^\]"))
    whole = installed([*plain, *needed(text, r"^train = \[(.*?)\]")])
    print(f"installed: {sum(plain.values()):.0f} MB; with the extra train {sum(whole.values()):.0f} MB")
    instead = {name: size for name, size in installed(["onnxruntime"]).items() if name not in plain}
    print(f"onnxruntime, which could have run the networks: {sum(instead.values()):.0f} MB more")
    largest = sorted(set(whole.items()), key=lambda each: -each[1])[:8]
    print("largest: " + ", ".join(f"{name} {size:.0f} MB" for name, size in largest))


if __name__ == "__main__":
    main()
