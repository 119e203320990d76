"""Geometries of every size, sign and tilt, for round trips through other programs' files."""

from __future__ import annotations

from hypothesis import strategies as st

from xgeom_core.geometry import Geometry

geometries = st.builds(
    Geometry,
    st.tuples(st.floats(-300, 1800), st.floats(-300, 2000)),
    st.floats(30, 900),
    st.tuples(st.floats(0.05, 0.3), st.floats(0.05, 0.3)),
    st.one_of(st.none(), st.floats(0.2, 3.0)),
    st.floats(-30, 30),
    st.floats(-30, 30),
)
