"""One detector, and where it stands, drawn from a recipe."""

from __future__ import annotations

import numpy as np

from xgeom_core.errors import RecipeError
from xgeom_core.geometry import FloatArray, Geometry, from_vectors
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.detectors.coverage import place
from xgeom_core.simulate.detectors.detector import Detector
from xgeom_core.simulate.detectors.faults import Faults
from xgeom_core.simulate.detectors.layouts import Layout, layout
from xgeom_core.simulate.detectors.recipe import DetectorRecipe
from xgeom_core.simulate.detectors.sensor import Sensor
from xgeom_core.simulate.ranges import choice, log_uniform, uniform

_MOST_LINES = 3
_LARGEST_SEED = 2**53  # whole numbers up to here survive JSON and float64


def draw_detector(
    recipe: DetectorRecipe, shape: tuple[int, int], beam: Beam, rng: np.random.Generator
) -> Detector:
    """A detector, in the pixels of a frame.

    Parameters
    ----------
    recipe : DetectorRecipe
    shape : tuple of int
        ``(slow, fast)`` of the frame; see `coverage.place` for how the detector fills it.
    beam : Beam
        Its energy decides how deep photons go into the sensor.
    rng : numpy.random.Generator
        Source of all randomness.

    Raises
    ------
    RecipeError
        If the frame has no pixels.
    """
    if len(shape) != 2 or min(shape) < 1:
        raise RecipeError(f"A frame needs 1 pixel or more along each axis, not {shape!r}.")
    kind = layout(choice(rng, recipe.layouts))
    placing = place(kind, shape, uniform(rng, recipe.fill))
    material, thickness = kind.sensors[int(rng.integers(len(kind.sensors)))]
    response = kind.response
    sensor = Sensor(material, thickness, beam.energy_keV)
    unmarked = rng.random() < recipe.unmarked
    return Detector(
        name=kind.name,
        shape=(int(shape[0]), int(shape[1])),
        pixel_mm=kind.pixel_mm / placing.scale,
        corner_px=placing.corner,
        sensor=sensor,
        adu_per_photon=log_uniform(rng, response.adu_per_photon),
        pedestal=uniform(rng, response.pedestal),
        read_noise=uniform(rng, response.read_noise),
        light_sigma_mm=uniform(rng, response.psf_mm),
        gaps=bool(rng.random() < recipe.gaps),
        marked=kind.marks and not unmarked,
        faults=_draw_faults(recipe, kind, rng),
    )


def _draw_faults(recipe: DetectorRecipe, kind: Layout, rng: np.random.Generator) -> Faults:
    lines = int(rng.integers(1, _MOST_LINES + 1)) if rng.random() < recipe.dead_lines else 0
    broken = int(rng.random() < recipe.dead_module)
    seam = uniform(rng, recipe.seam)
    hot = _from_zero(recipe.hot_fraction, rng)
    dead = _from_zero(recipe.dead_fraction, rng)
    step = uniform(rng, recipe.gain_step)
    modular = len(kind.panels) > 1
    return Faults(
        # A single sensor has nothing to differ from.
        gain_sigma=step if modular else 0.0,
        # Only tiles without gaps between them have seams.
        seam=0.0 if kind.response.counting else seam,
        hot=hot,
        dead=dead,
        dead_lines=lines,
        dead_areas=broken if modular and kind.response.counting else 0,
        seed=int(rng.integers(_LARGEST_SEED)),
    )


def _from_zero(limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Log-uniform, or uniform where the range begins at 0."""
    return log_uniform(rng, limits) if limits[0] > 0 else uniform(rng, limits)


def draw_geometry(
    recipe: DetectorRecipe,
    detector: Detector,
    shape: tuple[int, int],
    beam: Beam,
    rng: np.random.Generator,
) -> Geometry:
    """Where a detector stands.

    Parameters
    ----------
    recipe : DetectorRecipe
    detector : Detector
        What `draw_detector` gave.
    shape : tuple of int
        Of the frame; the detector's own.
    beam : Beam
        Gives the wavelength.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    Geometry
        In the pixels of the frame.

    Raises
    ------
    ValueError
        If the shape is not the detector's.
    """
    if tuple(shape) != detector.shape:
        raise ValueError(f"the detector was drawn for shape {detector.shape}, not {shape}")
    swung = rng.random() < recipe.swing
    geometry = Geometry(
        center_px=_draw_center(recipe, detector, rng),
        distance_mm=_draw_distance(recipe, detector, swung, rng),
        pixel_mm=(detector.pixel_mm, detector.pixel_mm),
        wavelength_A=beam.wavelength_A,
        pitch_deg=uniform(rng, recipe.pitch_deg),
        yaw_deg=uniform(rng, recipe.yaw_deg),
    )
    if not swung:
        return geometry
    angle = uniform(rng, recipe.swing_deg) * (1 if rng.random() < 0.5 else -1)
    reach_mm = uniform(rng, recipe.swing_reach) * detector.layout.side_mm
    furthest = float(np.degrees(np.arctan2(reach_mm, geometry.distance_mm)))
    vertical = bool(rng.random() < recipe.swing_vertical_axis)
    return swing_out(geometry, float(np.clip(angle, -furthest, furthest)), vertical)


def _draw_distance(
    recipe: DetectorRecipe, detector: Detector, swung: bool, rng: np.random.Generator
) -> float:
    if swung:
        return log_uniform(rng, recipe.swing_distance_mm)
    if recipe.distance_sides is not None:
        return log_uniform(rng, recipe.distance_sides) * detector.layout.side_mm
    return log_uniform(rng, recipe.distance_mm)


def swing_out(geometry: Geometry, angle_deg: float, vertical_axis: bool = True) -> Geometry:
    """The geometry after a two-theta arm has turned the detector about the sample.

    Parameters
    ----------
    geometry : Geometry
        With the arm straight.
    angle_deg : float
        Rotation about ``+y`` (vertical axis) or ``+x`` (horizontal axis), degrees.
    vertical_axis : bool
        Which of the two.

    Returns
    -------
    Geometry
        The beam center has moved by about ``distance * tan(angle)``.

    Raises
    ------
    GeometryError
        If the beam no longer meets the detector's plane.
    """
    turn = _rotation(angle_deg, vertical_axis)
    fast, slow, _ = geometry.axes()
    return from_vectors(
        turn @ geometry.to_lab(0.0, 0.0),
        turn @ fast,
        turn @ slow,
        np.array([0.0, 0.0, 1.0]),
        geometry.pixel_mm,
        geometry.wavelength_A,
    )


def _rotation(angle_deg: float, vertical_axis: bool) -> FloatArray:
    sin, cos = np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))
    if vertical_axis:
        return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])


def _draw_center(recipe: DetectorRecipe, detector: Detector, rng: np.random.Generator) -> tuple[float, float]:
    """Beam center in frame pixels: about the detector's middle, in a gap, or off the panel."""
    size = detector.layout.size
    # Native pixels; each draw is made whatever the case, so that one share does not move another.
    native = [size[axis] * (0.5 + uniform(rng, recipe.center_offset)) for axis in (0, 1)]
    case, which, where = rng.random(), rng.random(), rng.random()
    beyond = uniform(rng, recipe.off_panel_reach)
    if case < recipe.center_on_gap:
        _move_to_gap(native, detector.layout, which, where)
    elif case < recipe.center_on_gap + recipe.center_off_panel:
        axis, last = divmod(int(which * 4), 2)
        native[axis] = size[axis] * (1.0 + beyond) if last else -size[axis] * beyond
    scale = detector.placing.scale
    x, y = (detector.corner_px[axis] + scale * native[axis] for axis in (0, 1))
    return float(x), float(y)


def _move_to_gap(native: list[float], kind: Layout, which: float, where: float) -> None:
    """Move a center into the nearest gap along one axis, where there is one; in place."""
    axes = [axis for axis in (0, 1) if kind.gap_lines(axis)]
    if not axes:
        return
    axis = axes[int(which * len(axes))]
    start, end = min(kind.gap_lines(axis), key=lambda gap: abs(sum(gap) / 2 - native[axis]))
    native[axis] = start + where * (end - start)
