"""The table of centers as plain values, for files and the clipboard. Knows no widget."""

from __future__ import annotations

from typing import Any

from xgeom_gui.state.formatting import CenterRow


def center_cells(row: CenterRow) -> dict[str, Any]:
    """One line of the table of centers, with units in the names of its columns."""
    estimate = row.estimate
    sigma, tilt_sigma = estimate.center_sigma_px or (None, None), row.tilt_sigma_deg or (None, None)
    tilt, difference = row.tilt_deg or (None, None), row.difference_px or (None, None)
    return {
        "source": row.center.name,
        "x_px": estimate.center_px[0],
        "y_px": estimate.center_px[1],
        "sigma_x_px": sigma[0],
        "sigma_y_px": sigma[1],
        "pitch_deg": tilt[0],
        "yaw_deg": tilt[1],
        "sigma_pitch_deg": tilt_sigma[0],
        "sigma_yaw_deg": tilt_sigma[1],
        "is_reference": row.is_reference,
        "difference_x_px": difference[0],
        "difference_y_px": difference[1],
        "difference_px": row.distance_px,
        "difference_mm": row.difference_mm,
        "status": estimate.status,
        "reason": estimate.reason,
        "convention": estimate.convention,
    }
