"""A detector of 16 modules made by code: where they truly are, their geometry file, frames cut into them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 40, 64
PIXEL_M, CLEN_M, ENERGY_EV = 200e-6, 0.12, 9000.0


@dataclass(frozen=True)
class Module:
    """Corner in px from the beam, and unit vectors of fast and slow axis."""

    corner: NDArray[Any]
    fast: NDArray[Any]
    slow: NDArray[Any]

    def points(self) -> NDArray[Any]:
        """Where the pixels' centers are, shape (slow, fast, 2)."""
        v, u = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        return self.corner + u[..., None] * self.fast + v[..., None] * self.slow


def modules(turn_deg: float = 0.2, seed: int = 3) -> list[Module]:
    """Four by four modules about a hole, shifted by parts of a pixel and turned, in four orientations."""
    dice = np.random.default_rng(seed)
    found = []
    for number in range(16):
        row, column = divmod(number, 4)
        middle = np.array([(column - 1.5) * (WIDTH + 7), (row - 1.5) * (HEIGHT + 9)], float)
        middle += dice.uniform(-2.0, 2.0, 2) + np.array([11.0, 6.0])
        angle = np.radians(180.0 * (number % 2) + dice.uniform(-turn_deg, turn_deg))
        fast = np.array([np.cos(angle), np.sin(angle)])
        # Every other row is seen from behind.
        slow = np.array([-fast[1], fast[0]]) * (1 if row % 2 else -1)
        found.append(Module(middle - fast * WIDTH / 2 - slow * HEIGHT / 2, fast, slow))
    return found


def rings(points: NDArray[Any], radii: Sequence[float] = (55.0, 90.0, 120.0)) -> NDArray[Any]:
    """Counts of sharp rings about the beam at places in px."""
    r = np.hypot(points[..., 0], points[..., 1])
    return 20.0 + sum(400.0 * np.exp(-0.5 * ((r - radius) / 1.5) ** 2) for radius in radii)


def stack_of(made: Sequence[Module], count: int = 2) -> NDArray[Any]:
    """Frames of shape (count, modules, slow, fast)."""
    one = np.stack([rings(module.points()) for module in made]).astype(np.float32)
    return np.stack([one * (number + 1) for number in range(count)])


def geom_text(made: Sequence[Module], *, layered: bool, top: str = "", tilt: float = 0.0) -> str:
    """A geometry file; modules along an axis of their own, or below each other in one slab.

    ``tilt`` is a slope of the detector along x: z grows by so much a px.
    """
    lines = [f"res = {1 / PIXEL_M:.10g}", f"clen = {CLEN_M} m", f"photon_energy = {ENERGY_EV} eV"]
    lines += ["dim0 = %", top]
    if not layered:
        lines += ["dim1 = ss", "dim2 = fs"]
    for number, module in enumerate(made):
        name = f"p{number}"
        first = 0 if layered else number * HEIGHT
        if layered:
            lines += [f"{name}/dim1 = {number}", f"{name}/dim2 = ss", f"{name}/dim3 = fs"]
        for axis, vector in (("fs", module.fast), ("ss", module.slow)):
            lines.append(f"{name}/{axis} = {vector[0]:+.10f}x {vector[1]:+.10f}y {tilt * vector[0]:+.10f}z")
        lines += [
            f"{name}/corner_x = {module.corner[0]:.8f}",
            f"{name}/corner_y = {module.corner[1]:.8f}",
            f"{name}/coffset = {tilt * module.corner[0] * PIXEL_M:.12f}",
            f"{name}/min_fs = 0",
            f"{name}/max_fs = {WIDTH - 1}",
            f"{name}/min_ss = {first}",
            f"{name}/max_ss = {first + HEIGHT - 1}",
        ]
    return "\n".join(lines) + "\n"


def write_cxi(path: Path, data: NDArray[Any], mask: NDArray[Any] | None = None) -> None:
    """A CXI file with images, a distance and an energy of its own."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        detector = file.create_group("entry_1/instrument_1/detector_1")
        detector["data"] = data
        if mask is not None:
            detector["mask"] = mask
        detector["distance"] = 0.3
        file["entry_1/instrument_1/source_1/energy"] = 1.6e-15
        file["LCLS/EncoderValue"] = np.array([-439.0, -440.0])
        file["LCLS/photon_energy_eV"] = np.array([8000.0, 8100.0])


PANELS = {
    "corner_x": 0.0,
    "fs": 0.0,
    "res": 5000.0,
    "clen": 0.12,
    "photon_energy": 9000.0,
    "max_adu": 60000.0,
}


def write_panels(path: Path, changes: Mapping[str, Any]) -> None:
    """A CXI file of 16 modules and its geometry beside it; ``corner_x`` shifts them, ``fs`` is a slope."""
    fields = {**PANELS, **changes}
    shift = np.array([fields["corner_x"], 0.0])
    made = [Module(one.corner + shift, one.fast, one.slow) for one in modules(turn_deg=0.0)]
    text = geom_text(made, layered=True, top=f"max_adu = {fields['max_adu']}", tilt=fields["fs"])
    for name, unit in (("res", ""), ("clen", " m"), ("photon_energy", " eV")):
        text = re.sub(rf"(?m)^{name} = .*$", f"{name} = {fields[name]}{unit}", text)
    write_cxi(path, stack_of(made))
    path.with_suffix(".geom").write_text(text)
