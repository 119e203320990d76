"""What the server of `warm` does once: imports, and the first calls that load or compile something.

Nothing here may start a thread: a forked process has none of them.
"""

from __future__ import annotations

import matplotlib.backends.backend_agg
import numpy as np
import torch.utils.tensorboard

import xgeom_core.cli
import xgeom_core.training.loop
from xgeom_core.evaluate.figures import predicted_against_actual
from xgeom_core.simulate import load_recipe, render

# Loads the compiled loops of the simulator.
render(load_recipe("binary"), (64, 64), np.random.default_rng(0))
# Finds and measures the fonts.
_drawn = predicted_against_actual(np.zeros((1, 4)), np.zeros((1, 4)))
matplotlib.backends.backend_agg.FigureCanvasAgg(_drawn).draw()

__all__ = ["torch", "xgeom_core"]
