"""The density of what a source says, given the truth, and its likeliest coefficients; see reliability.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.reliability import Reliability

# A real frame counts as so many simulated ones.
REAL_WEIGHT = 4.0
# Findings less likely wrong than this are believed.
BELIEVED = 0.2
# A background answers mostly where there is no lattice; such frames are harder than those of all findings, of
# which so many are to lie within an error bar that 68% of the answers do.
WITHIN = {"background": 0.71}
# Coefficients are held to zero as if so many frames had said so.
RIDGE = 2.0


class Sample:
    """All findings of one source as padded arrays: only places near the truth can matter."""

    NEAREST = 4

    def __init__(self, rows: list[dict[str, Any]], source: str) -> None:
        self.source = source
        told = [(row, Finding.from_record(item)) for row in rows for item in row["findings"]]
        told = [(row, item) for row, item in told if item.source == source]
        self.names = tuple(sorted({name for _, item in told for name in item.features}))
        table = np.array([[item.features.get(name, np.nan) for name in self.names] for _, item in told])
        table = table.reshape(len(told), len(self.names))
        varied = np.nanstd(table, axis=0) > 1e-9
        self.names = tuple(np.array(self.names)[varied].tolist())
        table = table[:, varied]
        self.middle, self.spread = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
        scaled = np.clip(np.nan_to_num((table - self.middle) / self.spread), -4.0, 4.0)
        self.features = np.column_stack([np.ones(len(told)), scaled])
        self.keys = [row["key"] for row, _ in told]
        self.side = np.array([float(row["side"]) for row, _ in told])
        real = np.array([key.startswith("real ") for key in self.keys])
        self.weight = np.where(real, REAL_WEIGHT, 1.0)
        most = max(len(item.mean) for _, item in told)
        self.log_weight = np.full((len(told), most), -np.inf)
        n = self.NEAREST
        self.which = np.zeros((len(told), n), dtype=int)
        self.off = np.zeros((len(told), n, 4))
        self.covariance = np.tile(np.eye(4), (len(told), n, 1, 1))
        self.missing = np.ones((len(told), n), dtype=bool)
        self.trust = np.array([row["trust"] for row, _ in told])
        self.begun = None
        if any(item.begun is not None for _, item in told):
            moved = [item.mean[item.best] - item.begun[: item.mean.shape[1]] for _, item in told]
            self.begun = np.array(
                [[np.hypot(*one[:2]), np.hypot(*one[2:]) if len(one) == 4 else 0.0] for one in moved]
            )
        self.four = np.zeros(len(told), dtype=bool)
        for number, (row, item) in enumerate(told):
            self._place(number, row, item)

    def _place(self, number: int, row: dict[str, Any], item: Finding) -> None:
        self.log_weight[number, : len(item.mean)] = item.log_weight
        size = 4 if item.knows_tilt and row["truth"][2] is not None else 2
        self.four[number] = size == 4
        truth = np.array(row["truth"][:size], dtype=float)
        off = item.mean[:, :size] - truth
        chi2 = np.einsum("ni,nij,nj->n", off, np.linalg.inv(item.covariance[:, :size, :size]), off)
        near = np.argsort(chi2)[: self.NEAREST]
        count = len(near)
        self.which[number, :count] = near
        self.off[number, :count, :size] = off[near]
        self.covariance[number, :count, :size, :size] = item.covariance[near][:, :size, :size]
        self.missing[number, :count] = False


UNKNOWNS = (
    *("tail", "floor_share", "floor_deg", "near", "near_share", "near_deg", "temper"),
    *("drawn_share", "drawn_deg", "tilt_factor"),
)
# Where those begin, and how far from there they are believed to be, as logits or logarithms.
BEGIN = {
    "tail": (-3.0, 0.1), "floor_share": (np.log(1e-5), 1.0), "floor_deg": (np.log(0.003), 1.0),
    "near": (0.0, 1.0), "near_share": (np.log(0.01), 1.0), "near_deg": (0.0, 0.7), "temper": (0.0, 0.5),
    "drawn_share": (np.log(0.02), 1.0), "drawn_deg": (0.0, 0.7), "tilt_factor": (0.0, 0.5),
}  # fmt: skip
# Sources that see a pattern as a whole never sharpen what something measures: many are right to less than
# this share of the side (820 px: 1.6 px), but what they miss by is none of their own making.
ROUGH = ("network", "180-degree symmetry", "quadrant symmetry", "resolution limit")
ROUGH_SHARE = 0.002
# Sources that search are off by little only if by less than their own false places lie apart.
LITTLE = {"background": (np.log(0.002), 0.3), "lattice": (np.log(0.0007), 0.2)}


def begin_of(source: str) -> dict[str, tuple[float, float]]:
    """Where the unknowns of a source begin, and their widths."""
    if source in ROUGH:
        return BEGIN | {"floor_share": (np.log(ROUGH_SHARE), 0.01)}
    little = {"near_share": LITTLE[source], "near_deg": (-1.0, 0.3)} if source in LITTLE else {}
    return BEGIN | little


def log_likelihood(sample: Sample, given: Any, which: np.ndarray) -> tuple[Any, Any]:
    """Log densities of some findings, of the right parts and of the wrong ones, as torch tensors."""
    import torch  # noqa: PLC0415 - slow

    from xgeom_core.predict.posterior import reliability as form  # noqa: PLC0415

    def tensor(values: np.ndarray) -> Any:
        return torch.from_numpy(np.ascontiguousarray(values[which]))

    count = sample.features.shape[1]
    features, four = tensor(sample.features), tensor(sample.four)
    logit = features @ given[:count]
    factor = torch.exp(torch.clip(features @ given[count : 2 * count], -2.0, 3.0))
    (tail, floor, floor_deg, near, near_share, near_deg, temper, *drawn, tilt_factor) = given[2 * count :]
    weight = _weights(sample, which, torch.exp(temper))
    side = tensor(sample.side)
    ones = torch.ones_like(side)

    def diagonal(center: Any, tilt: Any) -> Any:
        # Where only the center counts, unit variances and no error stand for the tilt: a density of 1.
        rest = torch.where(four, tilt * ones, 0.0 * ones)
        return torch.diag_embed(torch.stack([center, center, rest, rest], dim=1))[:, None]

    tilt_free = torch.where(four, (factor * torch.exp(tilt_factor)) ** 2, ones)
    scale = torch.sqrt(torch.stack([factor**2, factor**2, tilt_free, tilt_free], dim=1))
    grown = scale[:, :, None] * scale[:, None, :]
    core = grown[:, None] * tensor(sample.covariance)
    core = core + diagonal((torch.exp(floor) * side) ** 2, torch.exp(floor_deg) ** 2)
    trust = diagonal(tensor(sample.trust) ** 2, 0.0 * ones)
    wider = torch.where(four, form.TAIL**2 * ones, ones)
    tails = torch.sqrt(torch.stack([form.TAIL**2 * ones] * 2 + [wider] * 2, dim=1))
    off = tensor(sample.off)

    def density(covariance: Any) -> Any:
        root = torch.linalg.cholesky(covariance)
        pulls = torch.linalg.solve_triangular(root, off[..., None], upper=False)[..., 0]
        log_det = torch.log(torch.diagonal(root, dim1=-2, dim2=-1)).sum(dim=-1)
        size = torch.where(four, 4.0 * ones, 2.0 * ones)[:, None]
        return -0.5 * (pulls**2).sum(dim=-1) - log_det - 0.5 * size * np.log(2.0 * np.pi)

    right = torch.logaddexp(
        torch.nn.functional.logsigmoid(-tail) + density(core + trust),
        torch.nn.functional.logsigmoid(tail)
        + density((tails[:, :, None] * tails[:, None, :])[:, None] * core + trust),
    )
    right = torch.logsumexp(weight + right, dim=1) + torch.nn.functional.logsigmoid(-logit)
    anywhere = _anywhere(sample, which, *drawn)
    wide = core + trust + diagonal((torch.exp(near_share) * side) ** 2, torch.exp(near_deg) ** 2)
    wrong = torch.logaddexp(
        torch.nn.functional.logsigmoid(near) + torch.logsumexp(weight + density(wide), dim=1),
        torch.nn.functional.logsigmoid(-near) + anywhere,
    )
    return right, wrong + torch.nn.functional.logsigmoid(logit)


def _weights(sample: Sample, which: np.ndarray, temper: Any) -> Any:
    """Log weights of the places near the truth among all places of each finding."""
    import torch  # noqa: PLC0415 - slow

    weight = torch.from_numpy(sample.log_weight[which])
    weight = torch.where(torch.isinf(weight), -1e30, weight) * temper
    weight = weight - torch.logsumexp(weight, dim=1, keepdim=True)
    weight = torch.gather(weight, 1, torch.from_numpy(sample.which[which]))
    nowhere = torch.tensor(-1e30, dtype=torch.float64)
    return torch.where(torch.from_numpy(sample.missing[which]), nowhere, weight)


def _anywhere(sample: Sample, which: np.ndarray, drawn_share: Any, drawn_deg: Any) -> Any:
    """Log density of what a finding says that says nothing of the beam."""
    import torch  # noqa: PLC0415 - slow

    from xgeom_core.predict.posterior import reliability as form  # noqa: PLC0415

    side, four = torch.from_numpy(sample.side[which]), torch.from_numpy(sample.four[which])
    ones = torch.ones_like(side)
    if sample.begun is None:
        tilt = torch.where(four, 2.0 * np.log(form.ANYWHERE_DEG) * ones, 0.0 * ones)
        return -2.0 * torch.log(form.ANYWHERE_SIDES * side) - tilt
    moved, turned = torch.from_numpy(sample.begun[which]).T
    tilt = torch.where(four, _log_cauchy(turned, torch.exp(drawn_deg) * ones), 0.0 * ones)
    return _log_cauchy(moved, torch.exp(drawn_share) * side) + tilt


def _log_cauchy(away: Any, width: Any) -> Any:
    import torch  # noqa: PLC0415 - slow

    return torch.log(width / (2.0 * np.pi)) - 1.5 * torch.log(away**2 + width**2)


def fit(sample: Sample, which: np.ndarray) -> np.ndarray:
    """The likeliest coefficients."""
    import torch  # noqa: PLC0415 - slow

    count = sample.features.shape[1]
    begin = np.zeros(2 * count + len(UNKNOWNS))
    begin[0] = -2.5
    unknown = begin_of(sample.source)
    begin[2 * count :] = [unknown[name][0] for name in UNKNOWNS]
    width = torch.from_numpy(np.array([unknown[name][1] for name in UNKNOWNS]))
    middle = torch.from_numpy(begin[2 * count :])
    weight = torch.from_numpy(sample.weight[which])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        given = torch.from_numpy(values.copy()).requires_grad_()
        right, wrong = log_likelihood(sample, given, which)
        total = -(weight * torch.logaddexp(right, wrong)).sum()
        total = total + 0.5 * RIDGE * (given[1:count] ** 2).sum()
        total = total + 0.5 * ((given[0] - begin[0]) / 1.5) ** 2
        total = total + 10.0 * RIDGE * (given[count + 1 : 2 * count] ** 2).sum() + 2.0 * given[count] ** 2
        total = total + 0.5 * (((given[2 * count :] - middle) / width) ** 2).sum()
        total.backward()
        return float(total.detach()), given.grad.numpy()

    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(found.x)


def with_right_quantiles(sample: Sample, given: np.ndarray) -> np.ndarray:
    """The same with error bars that hold 68% of the errors of findings that are believed, center and tilt."""
    count = sample.features.shape[1]
    good = expit(sample.features @ given[:count]) < BELIEVED
    factor = np.exp(np.clip(sample.features @ given[count : 2 * count], -2.0, 3.0))
    diagonal = np.diagonal(sample.covariance[:, 0], axis1=1, axis2=2)
    floor = np.zeros((len(good), 4))
    floor[:, :2] = (np.exp(given[2 * count + 1]) * sample.side[:, None]) ** 2 + sample.trust[:, None] ** 2
    floor[:, 2:] = np.exp(given[2 * count + 2]) ** 2
    pulls = np.abs(sample.off[:, 0]) / np.sqrt(factor[:, None] ** 2 * diagonal + floor)
    new = given.copy()
    within = WITHIN.get(sample.source, 0.683)
    center = np.quantile(pulls[good, :2], within)
    new[count] += np.log(center)
    tilted = good & sample.four
    if tilted.sum() > 20:
        new[2 * count + UNKNOWNS.index("tilt_factor")] = np.log(
            np.quantile(pulls[tilted, 2:], within) / center
        )
    return new


def as_reliability(sample: Sample, given: np.ndarray) -> Reliability:
    """Coefficients as the estimator reads them."""
    count = sample.features.shape[1]
    rest = dict(zip(UNKNOWNS, given[2 * count :], strict=True))
    for name in ("tail", "near"):
        rest[name] = expit(rest[name])
    for name in UNKNOWNS[1:3] + UNKNOWNS[4:]:
        rest[name] = np.exp(rest[name])

    def rounded(values: Any) -> tuple[float, ...]:
        return tuple(float(f"{value:.4g}") for value in values)

    return Reliability(
        sample.names,
        rounded(sample.middle),
        rounded(sample.spread),
        rounded(given[:count]),
        rounded(given[count : 2 * count]),
        **{name: float(f"{value:.4g}") for name, value in rest.items()},
    )
