"""A calibrant: center and tilt from powder rings, and where its rings then lie."""

import numpy as np

import xgeom_core as xgeom

frame, true_center_px, true_tilt_deg = xgeom.simulated_frame("powder", seed=0)
answer = xgeom.locate(frame)
print(answer, answer.reason)
print("truth:", np.round(true_center_px, 2), np.round(true_tilt_deg, 3))

# Rings of LaB6 in the true wavelength, as points on the detector that the answer describes.
geometry = answer.geometry
for d_A in xgeom.spacings_A("LaB6")[:3]:
    two_theta = 2 * np.arcsin(geometry.wavelength_A / (2 * d_A))
    azimuth = np.radians(np.arange(0, 360, 90))
    rays = np.stack(
        [
            np.sin(two_theta) * np.cos(azimuth),
            np.sin(two_theta) * np.sin(azimuth),
            np.full(4, np.cos(two_theta)),
        ],
        axis=-1,
    )
    x, y = geometry.from_lab(rays)
    print(f"d = {d_A:.4f} Å:", *(f"({a:.1f}, {b:.1f})" for a, b in zip(x, y, strict=True)))
