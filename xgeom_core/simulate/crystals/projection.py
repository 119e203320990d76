"""Where diffracted rays meet the detector, and how far they smear there."""

from __future__ import annotations

from numba import njit

from xgeom_core.simulate.crystals.vectors import dot, form


@njit(cache=True, nogil=True)
def project(q, m, plane):  # type: ignore[no-untyped-def]
    """Position and covariance in px of rays of mean direction q and covariance m (of q).

    A ray q from the point r of the sample meets the plane at ``r + q (D - n.r) / (n.q)``: a change of q
    moves it along the detector by ``path (f - n (f.q) / (n.q)) . dq``, one of r by the same
    without the path ``D / (n.q)``.
    """
    toward = dot(plane.normal, q)
    path = plane.distance / toward
    along_f, along_s = dot(plane.fast, q) / toward, dot(plane.slow, q) / toward
    f = (
        (plane.fast[0] - along_f * plane.normal[0]) / plane.pixel_x,
        (plane.fast[1] - along_f * plane.normal[1]) / plane.pixel_x,
        (plane.fast[2] - along_f * plane.normal[2]) / plane.pixel_x,
    )
    s = (
        (plane.slow[0] - along_s * plane.normal[0]) / plane.pixel_y,
        (plane.slow[1] - along_s * plane.normal[1]) / plane.pixel_y,
        (plane.slow[2] - along_s * plane.normal[2]) / plane.pixel_y,
    )
    # The beam meets the detector at (0, 0, distance along the beam).
    beam = plane.distance / plane.normal[2]
    x = plane.center_x + (path * dot(plane.fast, q) - beam * plane.fast[2]) / plane.pixel_x
    y = plane.center_y + (path * dot(plane.slow, q) - beam * plane.slow[2]) / plane.pixel_y
    pp, rr = path * path, plane.sample * plane.sample
    return (
        x,
        y,
        pp * form(f, m, f) + rr * dot(f, f),
        pp * form(f, m, s) + rr * dot(f, s),
        pp * form(s, m, s) + rr * dot(s, s),
    )


@njit(cache=True, nogil=True)
def far_off(n1, plane, size, margin):  # type: ignore[no-untyped-def]
    """Whether a beam misses the frame by more than twice the margin, or never meets the plane."""
    toward = dot(plane.normal, n1)
    if toward < 1e-3:
        return True
    path, beam = plane.distance / toward, plane.distance / plane.normal[2]
    x = plane.center_x + (path * dot(plane.fast, n1) - beam * plane.fast[2]) / plane.pixel_x
    y = plane.center_y + (path * dot(plane.slow, n1) - beam * plane.slow[2]) / plane.pixel_y
    return abs(x - 0.5 * size[0]) > 0.5 * size[0] + 2.0 * margin or abs(y - 0.5 * size[1]) > (
        0.5 * size[1] + 2.0 * margin
    )
