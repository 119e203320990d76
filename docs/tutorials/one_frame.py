"""One frame: where the beam hits the detector, how sure that is, and a file for another program."""

from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import xgeom_core as xgeom

# A frame of your own would be `xgeom.locate("frame.cbf")`.
# Here one is simulated, so that the truth is known.
frame, true_center_px, true_tilt_deg = xgeom.simulated_frame("standard", seed=3)

# An array does as well, where the numbers that a file would state are given.
known = frame.metadata
answer = xgeom.locate(
    frame.data,
    mask=~frame.valid,
    distance_mm=known.distance_mm,
    pixel_mm=known.pixel_mm,
    wavelength_A=known.wavelength_A,
)
print(answer)

# The status comes first: "ok", "stated" (the header's, uncontradicted), "uncertain", "failed".
assert answer.ok, answer.reason
off_px = np.hypot(*np.subtract(answer.center_px, true_center_px))
print(f"off by {off_px:.3f} px; the error bar says {max(answer.center_sigma_px):.3f} px")
print(f"it rests on {answer.evidence}; right with a probability of {answer.probability:.4f}")

# For DIALS, XDS, CrystFEL or pyFAI; `like="imported.expt"` would keep goniometer, mask and panels.
folder = Path(mkdtemp())
print("written:", answer.write(folder / "refined.expt"), answer.write(folder / "answer.poni"))
