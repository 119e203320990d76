"""What a NeXus entry says of beam, sample and title."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np

from xgeom_core import units
from xgeom_core.formats.hdf5 import fields
from xgeom_core.formats.hdf5.fields import Field
from xgeom_core.formats.nexus.chain import IncompleteChainError, depends_on, follow, links_of
from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import Rotation, Vector

_STOKES = ("incident_polarization_stokes", "incident_polarisation_stokes")
_GONIOMETER = ("omega", "phi", "chi", "kappa")
_LARGEST_KEV = 200.0  # an energy without a unit that is smaller is in keV, not in eV


def wavelength(entry: h5py.Group, detector: h5py.Group | None, notes: list[str]) -> float | None:
    """Wavelength in Å from a beam, a monochromator or a photon energy; ``notes`` takes what is odd."""
    beams = list(_beams(entry))
    lengths = [_weighted(beam) or fields.read_field(beam, "wavelength") for beam in beams]
    energies = [fields.read_field(beam, "incident_energy", "energy") for beam in beams]
    if detector is not None:
        energies.insert(0, fields.read_field(detector, "detectorSpecific/photon_energy", "photon_energy"))
    for number, field in enumerate((*lengths, *energies)):
        if field is None or field.first <= 0:
            continue
        energy_unit = "kev" if field.first < _LARGEST_KEV else "ev"
        unit = field.unit or ("angstrom" if number < len(lengths) else energy_unit)
        found = units.wavelength_A(field.first, unit)
        if found is None:
            notes.append(f"The unit {unit!r} of the wavelength or energy is unknown; it is not used.")
            continue
        if field.varies:
            notes.append("The wavelength varies over the frames; its first value is used.")
        return found
    return None


def polarization(entry: h5py.Group) -> float | None:
    """Fraction of the beam polarized along the horizontal, from Stokes parameters or the field's vector."""
    for beam in _beams(entry):
        stokes = fields.read_field(beam, *_STOKES)
        if stokes is not None and stokes.numbers.size >= 2:
            whole, level = stokes.numbers[:2]
            fraction = (1.0 + level / (whole or 1.0)) / 2.0
            return float(fraction) if 0.0 <= fraction <= 1.0 else None
        vector = fields.read_field(beam, "incident_polarization")
        if vector is not None and vector.numbers.shape == (2,) and vector.numbers.any():
            squares = vector.numbers**2
            return float(squares[0] / squares.sum())
    return None


def title(entry: h5py.Group) -> str:
    """The words of the title, the description and the sample's name, each once."""
    names = ("title", "experiment_description", "sample/name")
    return "; ".join(dict.fromkeys(words for name in names if (words := fields.read_text(entry, name))))


def rotation(entry: h5py.Group, to_lab: FloatArray) -> Rotation | None:
    """How the sample turns, from its chain or Dectris's goniometer; None where it stands still.

    Parameters
    ----------
    to_lab : ndarray, shape (3, 3)
        From the frame of NeXus to this project's.
    """
    samples = fields.groups_of_class(entry, "NXsample") or [fields.subgroup(entry, "sample")]
    for sample in filter(None, samples):
        for node, axis in (*_chain_axes(sample), *_goniometer_axes(sample)):
            sweep = _sweep(node)
            if sweep is not None:
                x, y, z = to_lab @ axis if axis is not None else np.zeros(3)
                lab: Vector | None = (float(x), float(y), float(z)) if axis is not None else None
                return Rotation(*sweep, lab, str(node.name).rsplit("/", 1)[-1])
    return None


def _chain_axes(sample: h5py.Group) -> Iterator[tuple[h5py.Dataset, FloatArray | None]]:
    """The rotations that a sample depends on, and their axes as the outer ones carry them."""
    try:
        links = list(links_of(sample.file, depends_on(sample)))
        for number, link in enumerate(links):
            if link.vector is not None:
                outer = follow(sample.file, links[number + 1].path if number + 1 < len(links) else "")
                yield sample.file[link.path], outer.rotation @ link.vector if link.vector.any() else None
    except IncompleteChainError:
        return


def _goniometer_axes(sample: h5py.Group) -> Iterator[tuple[h5py.Dataset, None]]:
    for name in _GONIOMETER:
        node = fields.dataset(sample, f"goniometer/{name}")
        if node is not None:
            yield node, None


def _sweep(node: h5py.Dataset) -> tuple[float, float] | None:
    """Angle at the start and from frame to frame in degrees; None where nothing turns."""
    field, group = fields.field_of(node), node.parent
    factor = units.angle_factor_deg(field.unit or "deg") if field is not None else None
    if field is None or factor is None:
        return None
    name = str(node.name).rsplit("/", 1)[-1]
    stated = fields.read_field(group, *(f"{name}_{what}" for what in ("increment_set", "increment")))
    end = fields.read_field(group, f"{name}_end")
    step = stated.first if stated is not None else end.first - field.first if end is not None else 0.0
    if step == 0 and field.numbers.size > 1:
        step = float(field.numbers[1] - field.numbers[0])
    return (field.first * factor, step * factor) if step else None


def _beams(entry: h5py.Group) -> Iterator[h5py.Group]:
    """Groups that may state a wavelength: beams before monochromators."""
    usual = ("instrument/beam", "sample/beam", "instrument/monochromator")
    found = [fields.subgroup(entry, name) for name in usual]
    parents = [
        fields.subgroup(entry, "instrument"),
        *fields.groups_of_class(entry, "NXinstrument", "NXsample"),
    ]
    for nx_class in ("NXbeam", "NXmonochromator"):
        found += [group for parent in parents if parent for group in fields.groups_of_class(parent, nx_class)]
    unique = {str(group.name): group for group in found if group is not None}
    yield from unique.values()


def _weighted(beam: h5py.Group) -> Field | None:
    """The wavelength of a beam; the mean of a spectrum whose weights are given."""
    field = fields.read_field(beam, "incident_wavelength")
    weights = fields.read_field(beam, "incident_wavelength_weights")
    if field is None or weights is None or weights.numbers.shape != field.numbers.shape:
        return field
    total = float(weights.numbers.sum())
    mean = float(field.numbers @ weights.numbers) / total if total > 0 else field.first
    return Field(np.array([mean]), field.unit)
