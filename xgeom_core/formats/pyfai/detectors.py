"""Pixel sizes and shapes of detectors that a PONI file may only name. Facts from their makers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Pixel size in um, square, and shape ``(slow, fast)`` unbinned."""

    pixel_um: float
    shape: tuple[int, int]


_PILATUS = {
    "100k": (195, 487),
    "200k": (407, 487),
    "300k": (619, 487),
    "300kw": (195, 1475),
    "900k": (619, 1475),
    "900kw": (195, 4439),
    "1m": (1043, 981),
    "2m": (1679, 1475),
    "6m": (2527, 2463),
}
_PILATUS4 = {
    "260k": (530, 513),
    "260kw": (255, 1033),
    "1m": (1080, 1033),
    "2m": (1630, 1553),
    "4m": (2180, 2073),
}
_EIGER = {
    "500k": (514, 1030),
    "1m": (1065, 1030),
    "4m": (2167, 2070),
    "9m": (3269, 3110),
    "16m": (4371, 4150),
}
_EIGER2 = {
    "250k": (512, 512),
    "500k": (512, 1028),
    "1m": (1062, 1028),
    "1mw": (512, 2068),
    "2mw": (512, 4148),
    "4m": (2162, 2068),
    "9m": (3262, 3108),
    "16m": (4362, 4148),
}
_OTHERS = {
    "adscq210": Known(51.0, (4096, 4096)),
    "adscq270": Known(51.0, (4168, 4168)),
    "adscq315": Known(51.0, (6144, 6144)),
    "dexela2923": Known(75.0, (3888, 3072)),
    "jungfrau1m": Known(75.0, (1064, 1030)),
    "jungfrau4m": Known(75.0, (2164, 2068)),
    "lambda250k": Known(55.0, (516, 516)),
    "lambda750k": Known(55.0, (516, 1556)),
    "lambda2m": Known(55.0, (1556, 1556)),
    "mar345": Known(100.0, (3450, 3450)),
    "maxipix": Known(55.0, (256, 256)),
    "pixium": Known(308.0, (1910, 2480)),
    "rayonixmx170": Known(44.2708, (3840, 3840)),
    "rayonixmx225hs": Known(78.125, (5760, 5760)),
    "rayonixmx300hs": Known(78.125, (7680, 7680)),
    "rayonixsx165": Known(39.5, (4096, 4096)),
}
_KNOWN: dict[str, Known] = {
    **{
        f"{make}{size}": Known(172.0, shape)
        for size, shape in _PILATUS.items()
        for make in ("pilatus", "pilatuscdte")
    },
    **{
        f"{make}{size}": Known(150.0, s)
        for size, s in _PILATUS4.items()
        for make in ("pilatus4", "pilatus4cdte")
    },
    **{f"eiger{size}": Known(75.0, shape) for size, shape in _EIGER.items()},
    **{
        f"{make}{size}": Known(75.0, shape)
        for size, shape in _EIGER2.items()
        for make in ("eiger2", "eiger2cdte")
    },
    **_OTHERS,
}
# Cylinders and arcs: no plane to have a center on.
_CURVED = frozenset({"aarhus", "cirpad", "xcirpad", "rapid", "rapidii", "cylindricaldetector"})


def known(name: str) -> Known | None:
    """The detector of a name, however it is spelled; None if it is not in the table."""
    return _KNOWN.get(_plain(name))


def curved(name: str) -> bool:
    """Whether a detector of this name is not flat."""
    return _plain(name) in _CURVED


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())
