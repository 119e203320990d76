"""Compiled loops that darken an image in place. ``place`` is that of `scattering.plane.placement`."""

from __future__ import annotations

import math

import numba


@numba.njit(cache=True, nogil=True)
def _soft(depth, edge, transmission):  # type: ignore[no-untyped-def]
    """Transmission at a depth (mm) inside a shadow's outline, negative outside."""
    t = 0.5 + depth / edge
    if t >= 1.0:
        return transmission
    return 1.0 - (1.0 - transmission) * t * t * (3.0 - 2.0 * t)


@numba.njit(cache=True, nogil=True)
def _span(place, v, sides, margin, width):  # type: ignore[no-untyped-def]
    """Columns of a row that may lie inside all sides, ``margin`` mm generous: from, to (exclusive).

    ``nx x + ny y - c``, multiplied by Z, is linear along a row, whatever the tilt.
    """
    low, high = 0.0, float(width)
    for k in range(sides.shape[0]):
        nx, ny, c = sides[k, 0], sides[k, 1], sides[k, 2] + margin
        slope = ((nx * place[5] + ny * place[6]) * place[4] - c * place[7]) * place[2]
        start = (nx * place[8] + ny * place[9]) * place[4] * v - c * (place[4] + place[10] * v)
        start -= slope * place[0]
        if abs(slope) > 1e-9:
            if slope > 0.0:
                high = min(high, -start / slope + 1.0)
            else:
                low = max(low, -start / slope - 1.0)
        elif start > 0.0:
            high = 0.0
    return low, high


@numba.njit(cache=True, nogil=True)
def stroke(out, place, outlines, points, radii, edge, transmission):  # type: ignore[no-untyped-def]
    """Darken by a `Stroke`; ``outlines`` holds the sides of a box about each of its pieces."""
    cx, cy, px, py, distance = place[0], place[1], place[2], place[3], place[4]
    fx, fy, fz, sx, sy, sz = place[5], place[6], place[7], place[8], place[9], place[10]
    last = points.shape[0] - 1
    width = out.shape[1]
    for j in range(out.shape[0]):
        v = (j + 0.5 - cy) * py
        low, high = float(width), 0.0
        for k in range(outlines.shape[0]):
            start, stop = _span(place, v, outlines[k], edge, width)
            if start < stop:
                low, high = min(low, start), max(high, stop)
        for i in range(int(max(low, 0.0)), int(min(max(high, 0.0), width))):
            u = (i + 0.5 - cx) * px
            z = distance + fz * u + sz * v
            if z <= 0.0:
                continue
            x = (fx * u + sx * v) * distance / z
            y = (fy * u + sy * v) * distance / z
            depth = -1e30
            for k in range(outlines.shape[0]):
                following = min(k + 1, last)
                ax, ay = x - points[k, 0], y - points[k, 1]
                bx, by = points[following, 0] - points[k, 0], points[following, 1] - points[k, 1]
                length2 = bx * bx + by * by
                t = 0.0
                if length2 > 0.0:
                    t = min(max((ax * bx + ay * by) / length2, 0.0), 1.0)
                ax, ay = ax - t * bx, ay - t * by
                radius = radii[k] + t * (radii[following] - radii[k])
                depth = max(depth, radius - math.sqrt(ax * ax + ay * ay))
            if depth > -0.5 * edge:
                out[j, i] *= _soft(depth, edge, transmission)


@numba.njit(cache=True, nogil=True)
def region(out, place, sides, edge, transmission):  # type: ignore[no-untyped-def]
    """Darken by a `Region`."""
    cx, cy, px, py, distance = place[0], place[1], place[2], place[3], place[4]
    fx, fy, fz, sx, sy, sz = place[5], place[6], place[7], place[8], place[9], place[10]
    width = out.shape[1]
    for j in range(out.shape[0]):
        v = (j + 0.5 - cy) * py
        low, high = _span(place, v, sides, 0.5 * edge, width)
        for i in range(int(max(low, 0.0)), int(min(max(high, 0.0), width))):
            u = (i + 0.5 - cx) * px
            z = distance + fz * u + sz * v
            if z <= 0.0:
                continue
            x = (fx * u + sx * v) * distance / z
            y = (fy * u + sy * v) * distance / z
            depth = 1e30
            for k in range(sides.shape[0]):
                depth = min(depth, sides[k, 2] - sides[k, 0] * x - sides[k, 1] * y)
            if depth > -0.5 * edge:
                out[j, i] *= _soft(depth, edge, transmission)


@numba.njit(cache=True, nogil=True)
def smooth(out, field, step):  # type: ignore[no-untyped-def]
    """Multiply by a field on the coarse grid, interpolated."""
    for j in range(out.shape[0]):
        at = (j + 0.5) / step
        node = int(at)
        share = at - node
        for c in range(field.shape[1] - 1):
            left = field[node, c] * (1.0 - share) + field[node + 1, c] * share
            right = field[node, c + 1] * (1.0 - share) + field[node + 1, c + 1] * share
            slope = (right - left) / step
            start = c * step
            for i in range(start, min(start + step, out.shape[1])):
                out[j, i] *= left + (i + 0.5 - start) * slope


@numba.njit(cache=True, nogil=True)
def one_sided(out, place, field, step, normal, edge, blur):  # type: ignore[no-untyped-def]
    """Multiply by a field where ``k.normal`` exceeds ``edge``, with a soft line there."""
    cx, cy, px, py, distance = place[0], place[1], place[2], place[3], place[4]
    nf = normal[0] * place[5] + normal[1] * place[6] + normal[2] * place[7]
    ns = normal[0] * place[8] + normal[1] * place[9] + normal[2] * place[10]
    # |R|^2 = D^2 + u^2 + v^2 + 2 D (fz u + sz v)
    for j in range(out.shape[0]):
        v = (j + 0.5 - cy) * py
        at = (j + 0.5) / step
        node = int(at)
        share = at - node
        for c in range(field.shape[1] - 1):
            left = field[node, c] * (1.0 - share) + field[node + 1, c] * share
            right = field[node, c + 1] * (1.0 - share) + field[node + 1, c + 1] * share
            slope = (right - left) / step
            start = c * step
            for i in range(start, min(start + step, out.shape[1])):
                u = (i + 0.5 - cx) * px
                along = nf * u + ns * v + normal[2] * distance
                if along <= 0.0:
                    continue
                r2 = distance * distance + u * u + v * v + 2.0 * distance * (place[7] * u + place[10] * v)
                t = 0.5 + (along / math.sqrt(r2) - edge) / blur
                if t <= 0.0:
                    continue
                soft = 1.0 if t >= 1.0 else t * t * (3.0 - 2.0 * t)
                out[j, i] *= 1.0 - soft * (1.0 - (left + (i + 0.5 - start) * slope))
