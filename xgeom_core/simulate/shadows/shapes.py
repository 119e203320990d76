"""The shapes of shadows, on the plane across the beam at the detector's distance.

Coordinates are mm from the beam, x and y as in the lab frame (see `scattering.plane`): a shadow keeps
its place when the detector is tilted or its pixels are pooled.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Stroke:
    """A round brush drawn along a line: stops, arms, nozzles, pins.

    Parameters
    ----------
    name : str
        What it is, for the record.
    points : tuple of (x, y)
        Corners of the line in mm; a single point is a disc.
    radii_mm : tuple of float
        Radius at each point; between points it changes evenly.
    edge_mm : float
        Width of the penumbra.
    transmission : float
        What passes, 0 to 1.
    """

    name: str
    points: tuple[Point, ...]
    radii_mm: tuple[float, ...]
    edge_mm: float
    transmission: float = 0.0


@dataclass(frozen=True)
class Region:
    """A convex region with straight sides: half planes, wedges, strips, plates, square stops.

    Parameters
    ----------
    name : str
        What it is, for the record.
    sides : tuple of (nx, ny, c)
        The region is where ``nx x + ny y <= c`` for every side; (nx, ny) has length 1, c is in mm.
    edge_mm : float
        Width of the penumbra.
    transmission : float
        What passes, 0 to 1.
    """

    name: str
    sides: tuple[tuple[float, float, float], ...]
    edge_mm: float
    transmission: float = 0.0


@dataclass(frozen=True)
class Slab:
    """A sheet, loop or plate that the scattered rays cross: the oblique ones lose more.

    Parameters
    ----------
    name : str
        What it is, for the record.
    normal : tuple of float
        Unit normal in the lab frame.
    depth : float
        Attenuation lengths from the sample to its surface along the normal.
    edge : float
        Rays with ``k.normal`` below this leave through the end of the sheet; 0 for a sheet without
        end. It makes the straight line from which one side of the image is darker.
    blur : float
        Width of that line in ``k.normal``.
    both : bool
        Whether rays to either side cross it (a loop around the sample), or only those along the normal.
    """

    name: str
    normal: tuple[float, float, float]
    depth: float
    edge: float = 0.0
    blur: float = 0.005
    both: bool = True


@dataclass(frozen=True)
class Cylinder:
    """A capillary or a round drop drawn out along an axis.

    Parameters
    ----------
    name : str
        What it is, for the record.
    axis : tuple of float
        Unit vector of its axis in the lab frame.
    depth : float
        Attenuation lengths from the middle to the wall, at right angles to the axis.
    offset : float
        How far the beam misses the axis, in radii, -0.9 to 0.9; the side that lies deeper loses more.
    """

    name: str
    axis: tuple[float, float, float]
    depth: float
    offset: float = 0.0


@dataclass(frozen=True)
class Shadows:
    """Everything between sample and detector that takes photons away; plain numbers only.

    Parameters
    ----------
    strokes, regions : tuples
        Shadows with edges.
    slabs, cylinders : tuples
        Absorption in what holds the sample.
    stop_radius_mm : float
        Radius (half side, half width) of the beam stop's shadow, 0 without one.
    """

    strokes: tuple[Stroke, ...] = ()
    regions: tuple[Region, ...] = ()
    slabs: tuple[Slab, ...] = ()
    cylinders: tuple[Cylinder, ...] = ()
    stop_radius_mm: float = 0.0
