"""A model for a detector of your own: describe its frames, train, and ask the new model."""

import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import xgeom_core as xgeom

folder = Path(mkdtemp())

# What its frames look like; all that is not said stays as usual (docs/simulator.md has every field).
recipe = folder / "mine.toml"
recipe.write_text(
    """
name = "mine"

[detector]
layouts = { plain = 1.0 }

[beam]
oscillation_deg = [0.1, 0.2]
""",
    encoding="utf-8",
)
frame, *_ = xgeom.simulated_frame(str(recipe), (160, 160), seed=1)

# Far too little for a useful model, enough to see the way: raise steps to some thousands.
settings = folder / "settings.toml"
settings.write_text(
    f"""
name = "mine"

[model]
architecture = "resnet18"
width = 8
input_px = 64
supersampling = 1

[data]
kinds = {{ "{recipe}" = 1.0 }}
workers = 0

[validation]
kinds = ["{recipe}"]
frames = 4
every_steps = 2

[training]
steps = 4
batch = 4
""",
    encoding="utf-8",
)
subprocess.run(
    [sys.executable, "-m", "xgeom_core", "train", settings, "--run-dir", folder / "run"], check=True
)
print(xgeom.locate(frame, model=str(folder / "run" / "model.safetensors")))
