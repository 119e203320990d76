"""Seeds of files of geometry; a further one goes into `geometry_seeds`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from fuzzing.seeds import Seed
from xgeom_core.formats.format import Writing
from xgeom_core.formats.registry import geometry_text, write_geometry
from xgeom_core.geometry import Geometry

WRITING = Writing(Geometry((210.25, 240.75), 120.5, (0.1, 0.1), 1.25, 2.5, -3.5), (400, 500))

PANELS = "".join(
    ("res = 10000\nclen = 0.1 m\nphoton_energy = 9000 eV\n" if name == "a" else "")
    + f"{name}/min_fs = 0\n{name}/max_fs = 399\n{name}/min_ss = {low}\n{name}/max_ss = {low + 199}\n"
    f"{name}/corner_x = -200.5\n{name}/corner_y = {low - 200}\n{name}/fs = +0.999x -0.01y\n"
    f"{name}/ss = +0.01x +0.999y\n{name}/coffset = 0.001\n"
    for name, low in (("a", 0), ("b", 210))
)
STREAM = (
    "CrystFEL stream format 2.3\n----- Begin geometry file -----\n"
    + PANELS
    + "----- End geometry file -----\n"
    + "".join(
        f"----- Begin chunk -----\nImage filename: run.h5\nEvent: //{n}\nImage serial number: {n}\n"
        "photon_energy_eV = 8000.0\naverage_camera_length = 0.1 m\n--- Begin crystal\n"
        f"predict_refine/det_shift x = 0.0{n} y = -0.012 mm\n--- End crystal\n----- End chunk -----\n"
        for n in range(1, 4)
    )
)
PONI = (
    'poni_version: 2.1\nDetector: Detector\nDetector_config: {"pixel1": 0.0001, "pixel2": 0.0001, '
    '"max_shape": [500, 400], "orientation": 2}\nDistance: 0.1\nPoni1: 0.02\nPoni2: 0.03\nRot1: 0.01\n'
    "Rot2: 0.02\nRot3: 0.0\nWavelength: 1e-10\n"
)
PONI_1 = "PixelSize1: 0.0001\nPixelSize2: 0.0001\n" + "\n".join(PONI.split("\n")[3:])
PONI_NAMED = PONI.replace("Detector: Detector", "Detector: Pilatus1M").replace(
    '"pixel1": 0.0001, "pixel2": 0.0001, ', ""
)
FIT2D = (
    "DirectBeamDist= 208.689 mm\tCenter: x=487.259, y=512.548 pix\tTilt= 1.083\u00b0 "
    "tiltPlanRotation= 12.6\u00b0 \u03bb= 0.4\u00c5\n"
)
MOSFLM = (
    "TITLE x\nBEAM 94.4 92.25\nDISTANCE 180.5\nWAVELENGTH 0.98\nPIXEL 0.1\nSIZE 400 500\n"
    "DISTORTION TILT 3 TWIST 4\n"
)
SESSION = '<?xml version=\'1.0\'?><session beam_x="94.4" beam_y="92.2" distance="180" pixel_size="0.1">'
DENZO = (
    "cassette rotx 0.1 roty 0.2 rotz 0 2 theta 0.00\ndistance 250.5\nwavelength 0.98\n"
    "x beam 40.0 y beam 20.0\n"
)
ADXV = "ADXV_CENTER_X=20.5\nADXV_CENTER_Y=60.25\n"
CSV = "file,frame,status,x_px,y_px,x_sigma_px,y_sigma_px,pitch_deg,yaw_deg,pixel_mm,reason\n" + "".join(
    f'run.h5,{n},ok,210.5,240.{n},0.1,0.2,1.5,-2.5,0.1,"a, b"\n' for n in range(6)
)
TABLE = json.dumps(
    [
        {"frame": n, "center_px": [210.5, 240.25], "center_sigma_px": [0.1, 0.2], "tilt_deg": [1, 2]}
        for n in range(4)
    ]
)
XPARM = (
    " XPARM.XDS    VERSION Jun 17, 2015\n"
    "    1        0.0000    0.2500  0.999988 -0.001214  0.004726\n"
    "    0.750000      -0.003162      -0.001518       1.333329\n"
    "    1      6.9322     14.1162     14.1170  59.988  90.002  90.003\n"
    "    -6.692194       1.615698      -0.812077\n    3.093155      13.666920       1.707512\n"
    "    3.278411       7.949903     -11.195524\n    1      2000      2000    0.150000    0.150000\n"
    "    1005.094666    1005.766968     179.778595\n    1.000000       0.000000       0.000000\n"
    "    0.000000       1.000000       0.000000\n    0.000000       0.000000       1.000000\n"
    "    1         1      2000         1      2000\n"
    "    0.00    0.00    0.00  1.00000  0.00000  0.00000  0.00000  1.00000  0.00000\n"
)
LOG = " ***** INTEGRATE *****  (VERSION Jan 10, 2022)\n NX= 4150 NY= 4371 QX= 0.075 QY= 0.075\n" + "".join(
    f" PROCESSING OF IMAGES {first} ... {first + 20}\n"
    " STANDARD DEVIATION OF SPOT    POSITION (PIXELS)     0.50\n"
    " DIRECT BEAM COORDINATES (REC. ANGSTROEM)   0.008789  0.010077  1.020035\n"
    " DETECTOR COORDINATES (PIXELS) OF DIRECT BEAM    2217.03   2306.10\n"
    " DETECTOR ORIGIN (PIXELS) AT                     2192.48   2277.95\n"
    " CRYSTAL TO DETECTOR DISTANCE (mm)       213.68\n"
    " LAB COORDINATES OF DETECTOR X-AXIS  1.000000  0.000000  0.000000\n"
    " LAB COORDINATES OF DETECTOR Y-AXIS  0.000000  1.000000  0.000000\n"
    for first in (1, 22)
)
IMGCIF = """###CBF: VERSION 1.5
data_a
loop_
_axis.id
_axis.type
_axis.equipment
_axis.depends_on
_axis.vector[1] _axis.vector[2] _axis.vector[3]
_axis.offset[1] _axis.offset[2] _axis.offset[3]
SOURCE general source . 0 0 1 . . .
DET_2THETA rotation detector . 1 0 0 . . .
DET_Z translation detector DET_2THETA 0 0 -1 0 0 0
ELEMENT_X translation detector DET_Z 0 1 0 -148.78 -125.56 0
ELEMENT_Y translation detector ELEMENT_X 1 0 0 0 0 0
loop_
_diffrn_scan_frame_axis.axis_id
_diffrn_scan_frame_axis.angle
_diffrn_scan_frame_axis.displacement
DET_2THETA 12.0 0.0
DET_Z 0.0 160.00
loop_
_array_structure_list.array_id
_array_structure_list.index
_array_structure_list.dimension
_array_structure_list.precedence
_array_structure_list.direction
_array_structure_list.axis_set_id
ARRAY1 1 1475 1 increasing ELEMENT_X
ARRAY1 2 1679 2 decreasing ELEMENT_Y
loop_
_array_structure_list_axis.axis_set_id
_array_structure_list_axis.axis_id
_array_structure_list_axis.displacement
_array_structure_list_axis.displacement_increment
ELEMENT_X ELEMENT_X 0.0 0.1720
ELEMENT_Y ELEMENT_Y 0.0 0.1720
_diffrn_radiation_wavelength.wavelength 0.6889
--CIF-BINARY-FORMAT-SECTION--
X-Binary-Size-Fastest-Dimension: 1475
X-Binary-Size-Second-Dimension: 1679

\x0c\x1a\x04"""


def _expt() -> str:
    """Two panels in a hierarchy, two experiments."""
    data = json.loads(geometry_text("dials", WRITING))
    panel = data["detector"][0]["panels"][0]
    identity = {"fast_axis": [1, 0, 0], "slow_axis": [0, 1, 0], "origin": [0, 0, 0]}
    group = {**identity, "children": [{"panel": 0}, {**identity, "children": [{"panel": 1}]}]}
    data["detector"] = [{"panels": [panel, {**panel, "raw_image_offset": [1000, 0]}], "hierarchy": group}]
    data["experiment"] *= 2
    return json.dumps(data, indent=1)


def _nxmx() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_geometry("nxmx", WRITING, Path(folder) / "geometry.h5").read_bytes()


def geometry_seeds() -> list[Seed]:
    """One seed of each, two where a format has two faces."""
    texts = {
        "DIALS .expt": ("refined.expt", _expt()),
        "XDS.INP": ("XDS.INP", geometry_text("xds", WRITING)),
        "XPARM.XDS": ("XPARM.XDS", XPARM),
        "INTEGRATE.LP": ("INTEGRATE.LP", LOG),
        "CrystFEL .geom": ("run.geom", PANELS),
        "CrystFEL, written": ("run.geom", geometry_text("crystfel", WRITING)),
        "CrystFEL stream": ("run.stream", STREAM),
        "pyFAI .poni": ("run.poni", PONI),
        "pyFAI .poni, version 1": ("run.poni", PONI_1),
        "pyFAI .poni, detector": ("run.poni", PONI_NAMED),
        "Fit2D": ("fit2d.txt", FIT2D),
        "Fit2D, Python": ("fit2d.txt", "{'centerX': 100.5, 'centerY': 200.25, 'directDist': 120.5}"),
        "MOSFLM": ("mosflm.inp", MOSFLM),
        "iMosflm": ("session.mos", SESSION),
        "DENZO": ("denzo.x", DENZO),
        "ADXV": ("adxv.txt", ADXV),
        "ADXV, own file": (".adxv_beam_center", "210.5 180.25 400 500\n"),
        "table, CSV": ("centers.csv", CSV),
        "table, tabs": ("centers.txt", CSV.replace(",", "\t")),
        "table, blanks": ("centers.txt", "frame x y\n0 1.5 2.5\n1 1.5 2.5\n"),
        "table, JSON": ("centers.json", TABLE),
        "Dectris stream": ("stream.json", geometry_text("dectris", WRITING)),
    }
    made = [Seed(key, name, text.encode(), "geometry") for key, (name, text) in texts.items()]
    made.append(Seed("imgCIF", "header.cbf", IMGCIF.encode("latin-1") + b"\xd5\x00\x01", "geometry"))
    made.append(Seed("NXmx geometry", "geometry.h5", _nxmx(), "geometry"))
    return made
