"""What the makers publish: pixels, modules, gaps, sensors and read-out of detectors in the field.

===============================  =================================================================
Layout                           Numbers and where they are from
===============================  =================================================================
pilatus_200k ... pilatus_6m      0.172 mm; modules of 487 x 195, gaps 7 and 17; silicon 0.32, 0.45 or
                                 1 mm; counters of 20 bits (Dectris, Pilatus3 user manual). Gaps read
                                 -1, dead pixels -2
eiger_500k ... eiger_16m         0.075 mm; modules of 1030 x 514, gaps 10 and 37; silicon 0.45 mm
                                 (Dectris, Eiger X user manual). Gaps read 2**32 - 1
eiger2_500k ... eiger2_16m       0.075 mm; modules of 1028 x 512, gaps 12 and 38; silicon 0.45 or CdTe
                                 0.75 mm (Dectris, Eiger2 user manual)
jungfrau_1m, _4m, _16m           0.075 mm; modules of 1030 x 514 once the wide pixels between chips
                                 are filled in, gaps 8 and 36; silicon 0.32 mm (Mozzanica et al., J.
                                 Instrum. 11 (2016) C02047). The 16M is four shifted quadrants about
                                 a hole, as at SwissFEL; its shift is an example, not a published value
hypix_6000                       0.1 mm, 775 x 800, no gaps; silicon 0.32 mm (Rigaku, HyPix-6000HE)
mx170, mx225, mx300, mx340       CCDs 2x2, 3x3, 4x4, 4x4 behind tapers, without gaps; pixels 44.3,
                                 39.1, 39.1 and 44.3 um binned 2x2 (Rayonix, MX-HS data sheets);
                                 phosphor about 40 um; 16 bits, base line 10
q210, q315                       CCDs 2x2 and 3x3, pixels 51.2 um binned 2x2 (ADSC); 16 bits, base
                                 line 40
mar165                           one CCD behind a round taper of 165 mm, 0.079 mm binned, 2048 x 2048
mar345                           image plate of 345 mm diameter, 0.15 mm, 2300 x 2300 (marXperts)
photon_3                         CMOS behind a phosphor, 0.1353 mm, 768 x 1024 (Bruker, Photon III C14)
plain                            no detector in particular: a perfect square of 423.6 mm, as wide as a
                                 Pilatus 6M
===============================  =================================================================

Where makers give no number for a single device (light per photon, read-out noise, point spread) the
ranges are wide; point spreads and base lines were compared with published frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from xgeom_core.errors import RecipeError

Panel = tuple[int, int, int, int]


@dataclass(frozen=True)
class Response:
    """How photons become numbers; every range is ``(least, most)`` in native pixels.

    Parameters
    ----------
    counting : bool
        True where each photon adds 1 and nothing else happens.
    overload : float
        Number at which a native pixel is saturated.
    adu_per_photon : tuple of float
        Units of the read-out per photon.
    pedestal, read_noise : tuple of float
        Offset and standard deviation of the read-out, in those units.
    psf_mm : tuple of float
        Standard deviation of the spread of a photon's light in mm.
    """

    counting: bool
    overload: float
    adu_per_photon: tuple[float, float] = (1.0, 1.0)
    pedestal: tuple[float, float] = (0.0, 0.0)
    read_noise: tuple[float, float] = (0.0, 0.0)
    psf_mm: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Layout:
    """A detector as its maker describes it.

    Parameters
    ----------
    name : str
        Name in recipes.
    pixel_mm : float
        Side of a native pixel.
    size : tuple of int
        Native pixels ``(fast, slow)``.
    panels : tuple of tuple of int
        Sensitive rectangles ``(x0, y0, x1, y1)`` in native pixels; x1 and y1 lie outside.
    sensors : tuple of tuple
        ``(material, thickness in mm)`` as sold.
    response : Response
        How photons become numbers.
    marks : bool
        True where files mark insensitive pixels; else they simply read 0.
    sentinel : int
        What gaps read in files of the maker.
    diameter_px : float
        Diameter of a round sensitive area in native pixels; 0 if it is not round.
    """

    name: str
    pixel_mm: float
    size: tuple[int, int]
    panels: tuple[Panel, ...]
    sensors: tuple[tuple[str, float], ...]
    response: Response
    marks: bool = True
    sentinel: int = -1
    diameter_px: float = 0.0

    @property
    def side_mm(self) -> float:
        """Longer side in mm."""
        return max(self.size) * self.pixel_mm

    @property
    def native_shape(self) -> tuple[int, int]:
        """Native pixels ``(slow, fast)``."""
        return self.size[1], self.size[0]

    def gap_lines(self, axis: int) -> tuple[tuple[int, int], ...]:
        """Insensitive strips across the whole detector, native ``(first, end)`` along an axis (0: x)."""
        covered = sorted({(panel[axis], panel[axis + 2]) for panel in self.panels})
        strips, end = [], 0
        for start, stop in covered:
            if start > end:
                strips.append((end, start))
            end = max(end, stop)
        return tuple(strips)


def grid(modules: tuple[int, int], module: tuple[int, int], gap: tuple[int, int]) -> tuple[Panel, ...]:
    """Panels of a regular grid: modules along (fast, slow), their size and the gaps between, in px."""
    return tuple(
        (
            column * (module[0] + gap[0]),
            row * (module[1] + gap[1]),
            column * (module[0] + gap[0]) + module[0],
            row * (module[1] + gap[1]) + module[1],
        )
        for row, column in product(range(modules[1]), range(modules[0]))
    )


def layout(name: str) -> Layout:
    """The layout of a name.

    Raises
    ------
    RecipeError
        If there is none; the sentence lists those there are.
    """
    try:
        return LAYOUTS[name]
    except KeyError:
        raise RecipeError(f"There is no detector {name!r}; choose among {', '.join(LAYOUTS)}.") from None


_SILICON = (("Si", 0.45), ("Si", 0.32))
_HYBRID = Response(True, 1_000_000)
_CCD = Response(False, 65_535, (0.6, 2.5), (10, 10), (1.5, 4.0), (0.04, 0.1))
_ADSC = Response(False, 65_535, (1.0, 2.5), (40, 40), (2.0, 5.0), (0.04, 0.1))
_PLATE = Response(False, 250_000, (0.7, 1.5), (0, 10), (1.0, 3.0), (0.08, 0.15))
_CMOS = Response(False, 163_810, (10.0, 30.0), (20, 80), (4.0, 12.0), (0.07, 0.12))
_PHOSPHOR = (("Gd2O2S", 0.04),)


def _bounds(panels: tuple[Panel, ...]) -> tuple[int, int]:
    return max(panel[2] for panel in panels), max(panel[3] for panel in panels)


def _hybrid(
    name: str,
    pixel_mm: float,
    panels: tuple[Panel, ...],
    sensors: tuple[tuple[str, float], ...],
    sentinel: int = -1,
) -> Layout:
    return Layout(name, pixel_mm, _bounds(panels), panels, sensors, _HYBRID, True, sentinel)


def _pilatus(name: str, columns: int, rows: int) -> Layout:
    panels = grid((columns, rows), (487, 195), (7, 17))
    return _hybrid(name, 0.172, panels, (("Si", 0.32), ("Si", 0.45), ("Si", 1.0)))


def _eiger(name: str, columns: int, rows: int) -> Layout:
    panels = grid((columns, rows), (1030, 514), (10, 37))
    return _hybrid(name, 0.075, panels, (("Si", 0.45),), 2**32 - 1)


def _eiger2(name: str, columns: int, rows: int) -> Layout:
    panels = grid((columns, rows), (1028, 512), (12, 38))
    return _hybrid(name, 0.075, panels, (("Si", 0.45), ("CdTe", 0.75)), 2**32 - 1)


def _jungfrau(name: str, columns: int, rows: int) -> Layout:
    return _hybrid(name, 0.075, grid((columns, rows), (1030, 514), (8, 36)), (("Si", 0.32),))


def _jungfrau_windmill(name: str) -> Layout:
    """Four quadrants of 2x4 modules, each shifted past the next, so that the beam passes between."""
    quadrant = grid((2, 4), (1030, 514), (8, 36))
    width, height = _bounds(quadrant)
    gap, shift = 36, 60
    corners = (
        (shift, 0),
        (shift + width + gap, shift),
        (width + gap, shift + height + gap),
        (0, height + gap),
    )
    panels = tuple(
        (x + panel[0], y + panel[1], x + panel[2], y + panel[3]) for x, y in corners for panel in quadrant
    )
    # The third quadrant ends one shift lower than the first begins: all four fit these bounds.
    return _hybrid(name, 0.075, panels, (("Si", 0.32),))


def _tiled(name: str, pixel_mm: float, tiles: int, tile_px: int, response: Response = _CCD) -> Layout:
    panels = grid((tiles, tiles), (tile_px, tile_px), (0, 0))
    return Layout(name, pixel_mm, _bounds(panels), panels, _PHOSPHOR, response, False, 0)


def _all() -> tuple[Layout, ...]:
    return (
        _pilatus("pilatus_200k", 1, 2),
        _pilatus("pilatus_300k", 1, 3),
        _pilatus("pilatus_1m", 2, 5),
        _pilatus("pilatus_2m", 3, 8),
        _pilatus("pilatus_6m", 5, 12),
        _eiger("eiger_500k", 1, 1),
        _eiger("eiger_1m", 1, 2),
        _eiger("eiger_4m", 2, 4),
        _eiger("eiger_9m", 3, 6),
        _eiger("eiger_16m", 4, 8),
        _eiger2("eiger2_500k", 1, 1),
        _eiger2("eiger2_1m", 1, 2),
        _eiger2("eiger2_4m", 2, 4),
        _eiger2("eiger2_9m", 3, 6),
        _eiger2("eiger2_16m", 4, 8),
        _jungfrau("jungfrau_1m", 1, 2),
        _jungfrau("jungfrau_4m", 2, 4),
        _jungfrau_windmill("jungfrau_16m"),
        _hybrid("hypix_6000", 0.1, ((0, 0, 775, 800),), (("Si", 0.32),)),
        _tiled("mx170", 170.0 / 1920, 2, 960),
        _tiled("mx225", 225.0 / 2880, 3, 960),
        _tiled("mx300", 300.0 / 3840, 4, 960),
        _tiled("mx340", 340.0 / 3840, 4, 960),
        _tiled("q210", 0.1024, 2, 1024, _ADSC),
        _tiled("q315", 0.1024, 3, 1024, _ADSC),
        Layout("mar165", 0.079, (2048, 2048), ((0, 0, 2048, 2048),), _PHOSPHOR, _CCD, False, 0, 165 / 0.079),
        Layout(
            "mar345", 0.15, (2300, 2300), ((0, 0, 2300, 2300),), (("BaFBr", 0.15),), _PLATE, False, 0, 2300
        ),
        Layout("photon_3", 0.1353, (768, 1024), ((0, 0, 768, 1024),), (("Gd2O2S", 0.09),), _CMOS, False, 0),
        Layout("plain", 423.6 / 2463, (2463, 2463), ((0, 0, 2463, 2463),), _SILICON[:1], _HYBRID),
    )


LAYOUTS: dict[str, Layout] = {each.name: each for each in _all()}
"""Every layout by its name in recipes."""
