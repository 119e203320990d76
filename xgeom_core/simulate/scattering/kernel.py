"""The one pass over all pixels: radial tables, rings and layers times the factors of each ray.

Notes
-----
Compiled, because the work is a handful of operations per pixel on six million pixels. Arithmetic is
strict (no fast-math), so that the same input gives the same bits everywhere.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_ROOT2 = math.sqrt(2.0)
_INV_ROOT_2PI = 1.0 / math.sqrt(2.0 * math.pi)
# The normal distribution's cumulative function in steps of 1/256: linear between them to 1e-6.
_STEPS = 256
_REACH = 5.5
_CUMULATIVE = np.array([
    0.5 * math.erfc(-n / _STEPS / _ROOT2)
    for n in range(-int(_REACH * _STEPS) - 1, int(_REACH * _STEPS) + 3)
])  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _below(t):  # type: ignore[no-untyped-def]
    """Share of a standard normal distribution below t."""
    if t <= -_REACH:
        return 0.0
    if t >= _REACH:
        return 1.0
    at = (t + _REACH) * _STEPS + 1.0
    k = int(at)
    return _CUMULATIVE[k] + (at - k) * (_CUMULATIVE[k + 1] - _CUMULATIVE[k])


@numba.njit(cache=True, nogil=True)
def _bell(t, sigma, a, b):  # type: ignore[no-untyped-def]
    """Normal density averaged over a pixel whose sides span a and b (a >= b) along the gradient.

    The longer side is integrated exactly. Wherever a ring runs along a row of pixels, its sum over
    pixels is then the same at any sub-pixel position: a density taken at the pixels' centers would
    ripple by a third for rings of 0.3 px. The shorter side counts as variance where it is short, and
    is integrated with three Gauss-Legendre points where it is not.
    """
    variance = sigma * sigma
    if a * a < variance:
        # Boxes narrower than the bell can both be counted as variance (error below 1e-3).
        variance += (a * a + b * b) / 12.0
        return _INV_ROOT_2PI * math.exp(-0.5 * t * t / variance) / math.sqrt(variance)
    if b * b < variance:
        scale = 1.0 / math.sqrt(variance + b * b / 12.0)
        return (_below((t + 0.5 * a) * scale) - _below((t - 0.5 * a) * scale)) / a
    scale = 1.0 / sigma
    high, low, aside = (t + 0.5 * a) * scale, (t - 0.5 * a) * scale, 0.3872983346 * b * scale
    middle = _below(high) - _below(low)
    sides = _below(high - aside) - _below(low - aside) + _below(high + aside) - _below(low + aside)
    return (8.0 * middle + 5.0 * sides) / (18.0 * a)


@numba.njit(cache=True, nogil=True)
def _around(turn, row, x, y):  # type: ignore[no-untyped-def]
    """Factor along a ring at a place; see `powder.turn_angle` for the pseudo-azimuth."""
    across = abs(x) + abs(y)
    if across <= 0.0:
        return 1.0
    if y >= 0.0:
        p = y / across if x >= 0.0 else 2.0 - y / across
    else:
        p = 2.0 - y / across if x < 0.0 else 4.0 + y / across
    n = turn.shape[1]
    place = p * 0.25 * n - 0.5
    if place < 0.0:
        place += n
    k = min(int(place), n - 1)
    share = place - k
    following = k + 1 if k + 1 < n else 0
    return turn[row, k] * (1.0 - share) + turn[row, following] * share


@numba.njit(cache=True, nogil=True)
def _rings(s, gx, gy, x, y, first, last, ring_s, ring_sigma, content, turn, turn_row):  # type: ignore[no-untyped-def]
    """Sum of the rings ``first`` to ``last`` (exclusive) at a pixel with gradient (gx, gy) of s."""
    a, b = max(abs(gx), abs(gy)), min(abs(gx), abs(gy))
    total = 0.0
    for k in range(first, last):
        away, sigma = s - ring_s[k], ring_sigma[k]
        if abs(away) > 4.2 * sigma + 0.5 * a + 1.2 * b:
            continue
        value = content[k] * _bell(away, sigma, a, b)
        if turn_row[k] > 0:
            value *= _around(turn, turn_row[k], x, y)
        total += value
    return total


@numba.njit(cache=True, nogil=True)
def _layers(kx, ky, kz1, axis, crest):  # type: ignore[no-untyped-def]
    """Diffuse layers at ``q wavelength = (kx, ky, kz1)``; axis is in units of the wavelength."""
    order = kx * axis[0] + ky * axis[1] + kz1 * axis[2]
    nearest = math.floor(order + 0.5)
    if nearest == 0.0:
        return 0.0
    place = abs(order - nearest) * 2.0 * (crest.size - 1)
    return crest[int(place)]


@numba.njit(cache=True, nogil=True)
def _blend(coarse, node, share, step, row):  # type: ignore[no-untyped-def]
    """One row of a coarse field, interpolated to every pixel of it."""
    for c in range(coarse.shape[1] - 1):
        left = coarse[node, c] * (1.0 - share) + coarse[node + 1, c] * share
        right = coarse[node, c + 1] * (1.0 - share) + coarse[node + 1, c + 1] * share
        slope = (right - left) / step
        start = c * step
        for i in range(start, min(start + step, row.size)):
            row[i] = left + (i + 0.5 - start) * slope


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _row(place, wavelength, polarized, v, inv_bin, ratio, x, y, z, rays, polar, bin_at):  # type: ignore[no-untyped-def]
    """Rays of one row: where they come from, their weight, polarization and bin of the table.

    Arithmetic only, no branches and no tables, so that the compiler can do several pixels at once.
    """
    cx, px, distance = place[0], place[2], place[4]
    fx, fy, fz, sx, sy, sz = place[5], place[6], place[7], place[8], place[9], place[10]
    foot_x, foot_y = place[12], place[13]
    solid = distance * distance * distance * place[11]
    per_bin = inv_bin / wavelength
    for i in range(x.size):
        u = (i + 0.5 - cx) * px
        # Parallax: the photon entered nearer to the foot of the normal than it is counted.
        ut = u - ratio[i] * (u - foot_x)
        vt = v - ratio[i] * (v - foot_y)
        xi = fx * ut + sx * vt
        yi = fy * ut + sy * vt
        zi = distance + fz * ut + sz * vt
        x2, y2 = xi * xi, yi * yi
        inv_r2 = 1.0 / (x2 + y2 + zi * zi)
        inv_r = math.sqrt(inv_r2)
        x[i], y[i], z[i] = xi, yi, zi
        rays[i] = solid * inv_r2 * inv_r
        polar[i] = 1.0 - (polarized * x2 + (1.0 - polarized) * y2) * inv_r2
        bin_at[i] = math.sqrt(abs(2.0 - 2.0 * zi * inv_r)) * per_bin


@numba.njit(cache=True, nogil=True)
def _gradient(place, wavelength, s, x, y, z):  # type: ignore[no-untyped-def]
    """Change of s per pixel along the two axes: ``ds = -d(z/r) / (wavelength^2 s)``."""
    inv_r2 = 1.0 / (x * x + y * y + z * z)
    lead = -math.sqrt(inv_r2) / (wavelength * wavelength * max(s, 1e-6))
    fall = z * inv_r2
    gx = place[7] - fall * (x * place[5] + y * place[6] + z * place[7])
    gy = place[10] - fall * (x * place[8] + y * place[9] + z * place[10])
    return lead * place[2] * gx, lead * place[3] * gy


@numba.njit(cache=True, nogil=True)
def expose(  # type: ignore[no-untyped-def]
    out, place, wavelength, polarized, step, factor, extra, ratio,
    inv_bin, table, even, flat, envelope, axis, crest,
    first, last, ring_s, ring_sigma, content, turn, turn_row,
):  # fmt: skip
    """Fill ``out`` with expected counts; see `expected.expected_background` for the meaning.

    ``place`` is that of `plane.placement`; factor, extra and ratio are fields on the coarse grid.
    """
    width = out.shape[1]
    factors, extras, ratios = np.ones(width), np.zeros(width), np.zeros(width)
    x, y, z = np.empty(width), np.empty(width), np.empty(width)
    rays, polar, bin_at = np.empty(width), np.empty(width), np.empty(width)
    has_rings, has_layers, has_extra = ring_s.size > 0, envelope.size > 0, extra.size > 0
    for j in range(out.shape[0]):
        v = (j + 0.5 - place[1]) * place[3]
        at = (j + 0.5) / step
        node = int(at)
        _blend(factor, node, at - node, step, factors)
        _blend(ratio, node, at - node, step, ratios)
        if has_extra:
            _blend(extra, node, at - node, step, extras)
        _row(place, wavelength, polarized, v, inv_bin, ratios, x, y, z, rays, polar, bin_at)
        for i in range(width):
            k = int(bin_at[i])
            value = table[k] + (bin_at[i] - k) * (table[k + 1] - table[k])
            if has_layers:
                inv_r = 1.0 / math.sqrt(x[i] * x[i] + y[i] * y[i] + z[i] * z[i])
                crests = _layers(x[i] * inv_r, y[i] * inv_r, z[i] * inv_r - 1.0, axis, crest)
                if crests > 0.0:
                    value += crests * envelope[k]
            if has_rings and first[k] < last[k]:
                s = bin_at[i] / inv_bin
                gx, gy = _gradient(place, wavelength, s, x[i], y[i], z[i])
                value += _rings(
                    s, gx, gy, x[i], y[i], first[k], last[k], ring_s, ring_sigma, content, turn, turn_row
                )
            out[j, i] = (value * polar[i] + even) * rays[i] * factors[i] + extras[i] + flat


@numba.njit(cache=True, nogil=True)
def add_halo(out, place, height, radius, edge, x0, y0, fall):  # type: ignore[no-untyped-def]
    """Add a halo to the box of pixels ``place[12:16]`` (x from, to, y from, to)."""
    cx, cy, px, py, distance = place[0], place[1], place[2], place[3], place[4]
    for j in range(int(place[14]), int(place[15])):
        v = (j + 0.5 - cy) * py
        for i in range(int(place[12]), int(place[13])):
            u = (i + 0.5 - cx) * px
            z = distance + place[7] * u + place[10] * v
            x = (place[5] * u + place[8] * v) * distance / z - x0
            y = (place[6] * u + place[9] * v) * distance / z - y0
            r2 = x * x + y * y
            t = 0.5 + (radius - math.sqrt(r2)) / edge
            if t > 0.0:
                soft = 1.0 if t >= 1.0 else t * t * (3.0 - 2.0 * t)
                out[j, i] += height * soft * math.exp(-fall * r2 / (radius * radius))


@numba.njit(cache=True, nogil=True)
def add_streak(out, place, height, cosine, sine, length, width, balance):  # type: ignore[no-untyped-def]
    """Add a streak to the box of pixels ``place[12:16]``."""
    cx, cy, px, py, distance = place[0], place[1], place[2], place[3], place[4]
    for j in range(int(place[14]), int(place[15])):
        v = (j + 0.5 - cy) * py
        for i in range(int(place[12]), int(place[13])):
            u = (i + 0.5 - cx) * px
            z = distance + place[7] * u + place[10] * v
            x = (place[5] * u + place[8] * v) * distance / z
            y = (place[6] * u + place[9] * v) * distance / z
            across = (y * cosine - x * sine) / width
            if abs(across) < 4.0:
                along = (x * cosine + y * sine) / length
                side = balance if along > 0.0 else 1.0 - balance
                fall = 1.0 / (1.0 + along * along)
                out[j, i] += 2.0 * side * height * fall * fall * math.exp(-0.5 * across * across)
