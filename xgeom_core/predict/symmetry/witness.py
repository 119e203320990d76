"""What one method says of the beam center, and what speaks for and against it."""

from __future__ import annotations

from dataclasses import dataclass

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True, eq=False)
class Witness:
    """A beam center proposed by one method.

    Parameters
    ----------
    source : str
        "direct beam", "180-degree symmetry", "quadrant symmetry", "Friedel pairs" or "resolution limit".
    center_px : tuple of float
        Beam center ``(x, y)`` (fast, slow) in native px, corner origin.
    covariance : ndarray, shape (2, 2)
        Of ``(x, y)`` in px**2, provided that the method has seen what it looks for.
    diagnostics : dict of str to float
        Dimensionless numbers that tell a right result from a wrong one: always finite, the same keys for one
        source. The method's docstring says what they mean.
    axis_deg : float, optional
        Direction of a mirror axis through the center, from +x towards +y; the other one is 90 degrees away.
    """

    source: str
    center_px: tuple[float, float]
    covariance: FloatArray
    diagnostics: dict[str, float]
    axis_deg: float | None = None
