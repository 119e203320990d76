"""A process that simulates small pictures of frames: one wish a line on standard input, one answer a line.

It ends when its standard input does, so it cannot outlive the window. The simulator compiles code, which
must not happen in the window's process. Imports no Qt.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from contextlib import suppress
from typing import Any

SIDE_PX = 820


def picture(kind: str, index: int, seed: int, size: int) -> dict[str, Any]:
    """One simulated frame as a small picture.

    Parameters
    ----------
    kind : str
        Name of a kind, or the path of a recipe.
    index, seed : int
        Which frame.
    size : int
        Largest side of the picture, px.

    Returns
    -------
    dict
        ``shape`` (slow, fast), ``pixels`` (base64 of bytes; 0 for no counts, 254 for the most, 255 for
        gaps), ``center`` (fast, slow) in pixels of the picture.
    """
    import numpy as np  # noqa: PLC0415 - what is wrong with an import is told as an answer

    from xgeom_core.frame import Frame, pool  # noqa: PLC0415
    from xgeom_core.simulate.recipe import load_recipe  # noqa: PLC0415
    from xgeom_core.simulate.stream import simulate_frame  # noqa: PLC0415

    made = simulate_frame(load_recipe(kind), (SIDE_PX, SIDE_PX), seed, index)
    frame = Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known))
    pooled = pool(frame, -(-SIDE_PX // size))
    mean = pooled.counts / np.maximum(pooled.weight, 1)
    image = np.sqrt(np.maximum(mean, 0))
    known = pooled.weight > 0
    seen = image[known]
    # The brightest spots may burn out, so that the background is seen beside them.
    top = max(float(np.percentile(seen, 99.5)), 1.5 * float(np.median(seen)), 1e-3) if seen.size else 1.0
    gray = np.where(known, np.clip(254 * image / top, 0, 254), 255).astype(np.uint8)
    x, y = pooled.pooling.to_pooled(made.geometry.center_px)
    pixels = base64.b64encode(np.ascontiguousarray(gray).tobytes()).decode("ascii")
    return {"shape": list(gray.shape), "pixels": pixels, "center": [float(x), float(y)]}


def main() -> None:
    """Answer wishes until there are no more."""
    with suppress(OSError, AttributeError):
        # What the user waits for comes first.
        os.nice(10)
    for line in sys.stdin:
        wish = json.loads(line)
        try:
            answer = picture(wish["kind"], wish["index"], wish["seed"], wish["size"])
        # The window goes on without this picture and says why there is none.
        except Exception as error:
            answer = {"trouble": f"{error}"}
        sys.stdout.write(json.dumps({**wish, **answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
