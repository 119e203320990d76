"""Beside DIALS and pyFAI: their files read in one convention, and ours in theirs."""

from pathlib import Path
from tempfile import mkdtemp

import xgeom_core as xgeom

frame, true_center_px, true_tilt_deg = xgeom.simulated_frame("standard", seed=3)
answer = xgeom.locate(frame)
folder = Path(mkdtemp())

# What another program says. Its own convention (pyFAI's PONI, XDS's ORGX, ...) is converted at the door.
for name in ("answer.poni", "refined.expt", "XDS.INP"):
    file = answer.write(folder / name)
    (reading,) = xgeom.read_geometry(file)
    x, y = reading.estimate.center_px
    print(f"{name:14s} center ({x:.3f}, {y:.3f}), tilt {reading.estimate.tilt_deg}")

# The other way round: their center as a start that may be doubted.
(reading,) = xgeom.read_geometry(folder / "answer.poni")
again = xgeom.locate(frame, center_px=reading.estimate.center_px, tilt_deg=reading.estimate.tilt_deg)
print(again)

# In pyFAI itself, where it is installed.
try:
    print(answer.to_pyfai())
except xgeom.XgeomError as error:
    print(error)
