"""Make the pictures of the window: python docs/make_screenshots.py [SCENE ...] [--out FOLDER]

Without a scene, all of them. They go to docs/screens, that of the bundled example also to docs/window.png.
Real frames come from the folder named by XGEOM_FRAMES, by default ../shared/frames beside the checkout;
pictures of frames that are not there are left out. They are made off screen; on a screen, real or virtual,
with QT_QPA_PLATFORM=xcb.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The scenes stand in a folder, not in a package.
sys.path.insert(0, str(HERE / "screens"))

import centers  # noqa: E402
import files  # noqa: E402
import image  # noqa: E402
import start  # noqa: E402
import training  # noqa: E402
from studio import Studio  # noqa: E402

FRAMES = Path(os.environ.get("XGEOM_FRAMES", HERE.parent.parent / "shared" / "frames"))
# Each room begins with a fresh window.
ROOMS = (start.SCENES, image.SCENES, files.SCENES, centers.SCENES, training.SCENES)


def main() -> int:
    """Make them; 1 if one is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [name for scenes in ROOMS for name in scenes]
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"one or more of {', '.join(names)}")
    parser.add_argument("--out", type=Path, default=HERE / "screens", help="folder for the pictures")
    parser.add_argument("--size", default="1366x768", help="of the window, WIDTHxHEIGHT")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    if unknown := set(options.scenes) - set(names):
        parser.error(f"there is no scene {', '.join(sorted(unknown))}")
    wanted, missing = options.scenes or names, []
    for scenes in ROOMS:
        chosen = [name for name in scenes if name in wanted]
        if not chosen:
            continue
        studio = Studio(options.out, FRAMES, (width, height))
        for name in chosen:
            try:
                scenes[name](studio)
                print(name, flush=True)
            except (TimeoutError, FileNotFoundError) as error:
                missing.append(name)
                print(f"{name} is missing: {error}", flush=True)
        studio.close()
        studio.window.hide()
    if "window" in wanted and options.out == HERE / "screens":
        shutil.move(options.out / "window.png", HERE / "window.png")
    sys.stdout.flush()
    # A predictor's thread may still be at work; nothing is left to save.
    os._exit(1 if missing else 0)


if __name__ == "__main__":
    main()
