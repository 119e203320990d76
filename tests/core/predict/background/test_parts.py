"""Geometry, splines, waves, cells and error bars of the radial fit, each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from xgeom_core.frame import Frame, pool
from xgeom_core.geometry import Geometry
from xgeom_core.predict.background.azimuthal_harmonics import COLUMNS, UNKNOWNS, WAVES, Strength
from xgeom_core.predict.background.cells import make_cells, spread_blocks
from xgeom_core.predict.background.detector_model import Detector, bent, radii, sight
from xgeom_core.predict.background.hyperparameters import System
from xgeom_core.predict.background.likelihood import equations
from xgeom_core.predict.background.model import Model, amplitude
from xgeom_core.predict.background.noise import excess_of, misfit_of
from xgeom_core.predict.background.panels import PANELS
from xgeom_core.predict.background.polar import PolarGrid
from xgeom_core.predict.background.spline import Knots, roughness, times_banded

DETECTOR = Detector(distance_px=400.0, aspect=1.5)
X, Y = np.array([10.0, 300.0, 500.0]), np.array([40.0, 20.0, 333.0])
AT = np.array([210.0, 190.0, 0.03, -0.05])


def test_radius_azimuth_and_derivatives_agree_with_the_geometry() -> None:
    def direct(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        geometry = Geometry((p[0], p[1]), 400.0, (1.0, 1.5), None, *np.degrees(p[2:]))
        z = geometry.to_lab(X, Y)[:, 2]
        return 400.0 * np.tan(geometry.two_theta(X, Y)), 3 * np.log(400.0 / z), geometry.azimuth(X, Y)

    look = sight(X, Y, AT, DETECTOR)
    rho, log_g, angle = direct(AT)
    assert look.rho == pytest.approx(rho)
    assert look.log_g == pytest.approx(log_g)
    assert np.arctan2(look.sin, look.cos) == pytest.approx(angle)
    assert radii(X, Y, AT, DETECTOR) == pytest.approx(rho)
    assert look.bent == pytest.approx(2 * 400.0 * np.sin(np.arctan(rho / 400.0) / 2))
    step = 1e-4
    assert look.bending == pytest.approx((bent(rho + step, 400.0)[0] - look.bent) / step, rel=1e-4)
    for i, size in enumerate([1e-4, 1e-4, 1e-7, 1e-7]):
        there, back = AT.copy(), AT.copy()
        there[i] += size
        back[i] -= size
        changes = [(a - b) / (2 * size) for a, b in zip(direct(there), direct(back), strict=True)]
        for found, change in zip((look.d_rho, look.d_log_g, look.d_angle), changes, strict=True):
            assert found[i] == pytest.approx(change, rel=1e-4, abs=1e-6)


def test_spline_reproduces_lines_and_slopes() -> None:
    knots = Knots.over(0.0, 100.0, 7.0)
    at = np.linspace(0.0, 100.0, 301)
    line = 3.0 + 0.2 * knots.step * (np.arange(knots.count) - 1.0)
    places = knots.place(at)
    assert places.value(line, places.basis()) == pytest.approx(3.0 + 0.2 * at)
    assert places.slope(line) == pytest.approx(np.full(301, 0.2))
    vector = np.sin(np.arange(knots.count))
    rise = [places.value(vector, knots.place(at + d).basis()) for d in (-1e-5, 1e-5)]
    inside = np.abs(places.t - 0.5) < 0.49
    assert places.slope(vector)[inside] == pytest.approx(((rise[1] - rise[0]) / 2e-5)[inside], abs=1e-6)
    rough = roughness(knots.count)
    assert vector @ times_banded(rough, vector) == pytest.approx((np.diff(vector, 2) ** 2).sum(), rel=1e-6)


def made_model() -> Model:
    rng = np.random.default_rng(1)
    knots = Knots.over(0.0, 420.0, 12.0)
    theta = np.zeros(UNKNOWNS)
    theta[:4] = [200.0, 210.0, 0.02, -0.03]
    theta[4:COLUMNS] = rng.normal(0, 0.05, size=COLUMNS - 4)
    model = Model(Detector(400.0), 380.0, theta, knots, np.cos(np.arange(knots.count) / 3.0) + 3.0)
    model.rough = roughness(knots.count)
    return model


def test_derivatives_of_the_model_agree_with_differences() -> None:
    model = made_model()
    frame = Frame(np.ones((410, 410), np.float32), np.ones((410, 410), bool), np.zeros((410, 410), bool))
    cells = make_cells(pool(frame, 1), frame.valid, 8)

    def log_expected() -> np.ndarray:
        look = model.look(cells.x, cells.y)
        return model.log_profile(look.rho) + amplitude(model, look)

    found = equations(model, cells, keep=True)
    columns = np.concatenate([part.columns for part in found.parts], axis=1)
    assert found.expected == pytest.approx(cells.pixels * np.exp(log_expected()))
    keep = model.theta.copy()
    for i in [*range(WAVES), WAVES, WAVES + 5, WAVES + 10, COLUMNS - 1]:
        size = 1e-4 if i < 2 else 1e-6
        values = []
        for sign in (1, -1):
            model.theta = keep.copy()
            model.theta[i] += sign * size
            values.append(log_expected())
        model.theta = keep
        change = (values[0] - values[1]) / (2 * size)
        assert columns[i] == pytest.approx(change, rel=1e-3, abs=1e-5 * np.abs(change).max())


def test_equations_are_the_products_of_the_derivatives() -> None:
    model = made_model()
    rng = np.random.default_rng(2)
    model.theta[COLUMNS:] = rng.normal(0.0, 0.02, size=UNKNOWNS - COLUMNS)
    frame = Frame(
        rng.poisson(50.0, size=(410, 410)).astype(np.float32),
        np.ones((410, 410), bool),
        np.zeros((410, 410), bool),
    )
    panel = (np.arange(410)[:, None] // 150 + np.zeros(410, dtype=int)).astype(np.int64)
    cells = make_cells(pool(frame, 1), frame.valid, 8, panel=panel)
    found = equations(model, cells, keep=True)
    whole = np.zeros((len(cells.x), model.knots.count + UNKNOWNS))
    done = 0
    for part in found.parts:
        rows = np.arange(done, done + len(part.rays.first))
        for i in range(4):
            whole[rows, part.places.first + i] = part.basis[i]
        whole[rows, model.knots.count : -PANELS] = np.hstack([part.columns.T, part.rays.matrix().toarray()])
        done += len(rows)
    assert cells.panels is not None
    whole[:, -PANELS:] = cells.panels.toarray()
    full = whole.T @ (whole * found.weight[:, None])
    pull = whole.T @ (found.weight * found.residual)
    rough = np.zeros((model.knots.count, model.knots.count))
    for k in range(4):
        for j in range(k, model.knots.count):
            rough[j - k, j] = rough[j, j - k] = model.penalty * model.rough[3 - k, j]
    many = model.knots.count
    full[:many, :many] += rough
    pull[:many] -= rough @ model.beta
    half = np.linalg.solve(full[:many, :many], full[:many, many:])
    size = np.abs(full[many:, many:]).max()
    expected = full[many:, many:] - full[many:, :many] @ half
    assert found.normal == pytest.approx(expected, abs=1e-9 * size)
    assert found.right == pytest.approx(pull[many:] - half.T @ pull[:many], abs=1e-7 * np.abs(pull).max())


def test_polar_cells_come_back_to_their_pixels() -> None:
    grid = PolarGrid(AT, DETECTOR, 2.0, 72, 400)
    rho = radii(X, Y, AT, DETECTOR)
    turn = grid.angles(X.astype(np.float32), Y.astype(np.float32)).astype(float)
    x, y = grid.pixels_at(rho, turn)
    assert x == pytest.approx(X, abs=1e-3)
    assert y == pytest.approx(Y, abs=1e-3)


def test_cells_know_their_center_of_gravity() -> None:
    counts = np.zeros((24, 24), dtype=np.float32)
    counts[:, 8] = 1.0
    valid = np.ones((24, 24), dtype=bool)
    valid[:, 9:12] = False
    frame = Frame(counts, valid, ~valid)
    pooled = pool(frame, 1)
    cells = make_cells(pooled, pooled.full, 4)
    image = cells.image(cells.x, np.nan)
    assert image[2, 1] == pytest.approx(6.0)
    assert image[2, 2] == pytest.approx(8.5)
    assert cells.image(cells.counts)[0].tolist() == [0, 0, 4, 0, 0, 0]
    twice = make_cells(pool(frame, 2), pool(frame, 2).full, 2)
    assert twice.image(twice.x)[0, 0] == pytest.approx(2.0)
    assert spread_blocks(np.array([[1, 2]]), 2, (1, 3)).tolist() == [[1, 1, 2]]


def test_excess_scatter_is_measured() -> None:
    rng = np.random.default_rng(0)
    expected = rng.uniform(200, 4000, size=20000)
    counts = rng.poisson(expected * rng.normal(1.0, 0.04, size=20000)).astype(float)
    assert np.sqrt(excess_of(counts, expected)) == pytest.approx(0.04, rel=0.1)
    assert misfit_of(counts, expected, 0.0016) == pytest.approx(1.0, abs=0.05)
    faint = np.full(20000, 0.3)
    assert misfit_of(rng.poisson(faint).astype(float), faint, 0.0) == pytest.approx(1.0, abs=0.05)
    assert excess_of(rng.poisson(expected).astype(float), expected) < 1e-5


def test_a_prior_holds_the_nuisance_but_not_the_geometry() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(5000, UNKNOWNS))
    truth = np.zeros(UNKNOWNS)
    truth[:4] = [1.0, -2.0, 0.5, 0.1]
    right = columns.T @ (columns @ truth + rng.normal(size=5000))
    none = np.zeros((4, 4))
    tight = Strength((1e-4, 1e-4, 1e-4), 0.25, 1e-5)
    system = System.of(columns.T @ columns, right, np.zeros(UNKNOWNS), none)
    found = system.solve(tight)
    assert found.at[:4] == pytest.approx(truth[:4], abs=0.1)
    assert np.abs(found.at[WAVES:]).max() < 1e-3
    spread = np.sqrt(np.diag(found.covariance(4)))
    assert spread == pytest.approx(np.full(4, 5000**-0.5), rel=0.1)
    loose = Strength((1.0, 1.0, 1.0), 0.7, 1.0)
    assert system.solve(loose).score < found.score


def test_unknowns_may_be_solved_for_one_group_after_the_other() -> None:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(2000, UNKNOWNS))
    system = System.of(columns.T @ columns, columns.T @ rng.normal(size=2000), np.zeros(UNKNOWNS), np.eye(4))
    strong, weak = Strength((0.1, 0.1, 0.1)), Strength((0.01, 0.01, 0.01))
    few = system.without((system.which < WAVES) | (system.which >= COLUMNS), strong)
    assert few.solve(strong).at == pytest.approx(system.solve(strong).at[WAVES:COLUMNS])
    gain = system.solve(strong).score - system.solve(weak).score
    assert few.solve(strong).score - few.solve(weak).score == pytest.approx(gain)
