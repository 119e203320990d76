"""Why an answer is not sure, in a crystallographer's words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.reliability import reliabilities
from xgeom_core.predict.posterior.weigh import Place, Posterior

# What a feature that makes a source suspect means; for each the words if it is high and if it is low.
_WORDS = {
    ("background", "log_misfit"): (
        "it scatters more than counts do",
        "its values scatter less than counts",
    ),
    ("background", "log_excess"): ("it does not look like rings about a beam", ""),
    ("background", "log_contrast"): ("", "it is nearly flat"),
    ("background", "log_dropped"): ("much of it looks like shadows or patches", ""),
    ("background", "log_evidence"): ("it has few features", ""),
    ("background", "log_sigma"): ("its sides disagree about the center", ""),
    ("background", "log_lean"): ("its rings are ellipses, as lenses or a strong tilt make them", ""),
    ("background", "unsettled"): ("the fit did not settle", ""),
    ("background", "log_gain"): ("", "rings explain it hardly better than a smooth surface"),
    ("background", "azimuth"): ("", "its rings are seen on one side only"),
    ("background", "turned"): ("it claims a steep tilt", ""),
    ("lattice", "log_indexed"): ("", "few spots fit it"),
    ("lattice", "share"): ("", "it leaves many spots over"),
    ("lattice", "core"): ("", "few spots lie close to where it puts them"),
    ("lattice", "log_chance"): ("many spots would fit by chance", ""),
    ("lattice", "log_excess"): ("", "it explains hardly more spots than chance"),
    ("lattice", "log_unlikely"): ("", "chance would explain as many spots"),
    ("lattice", "recorded"): ("", "most of its reflections are not seen"),
    ("lattice", "log_order"): ("", "its cell has no symmetry"),
    ("lattice", "log_rms"): ("its spots lie far from where it puts them", ""),
    ("lattice", "log_rms_sigma"): ("its spots lie far from where it puts them", ""),
    ("lattice", "distance_change"): ("it wants another distance", ""),
    ("lattice", "log_points"): ("it has many more points than there are spots", ""),
    ("lattice", "log_tilt_sigma"): ("it hardly tells the tilt", ""),
}
_LEAST_SHARE = 0.003


def doubts_in_words(found: Posterior, absent: Mapping[str, str]) -> str:
    """What else may be true than the best place, likeliest first; `absent`: why a source says nothing."""
    best = found.best
    said = []
    if any(finding.source == "header" and finding.against > 0 for finding in found.findings):
        said.append(
            "rings about other places explain the background far better than about the header's center"
        )
    if not {"background", "lattice"} & set(best.sources):
        said.append(_nothing_seen(found, absent))
    for place in found.places:
        if place is best or place.weight < max(_LEAST_SHARE, 0.2 * (1.0 - best.weight)):
            continue
        said.append(_alternative(found, place))
        if len(said) >= 3:
            break
    if not said:
        said.append(f"only {100 * found.certainty:.0f}% of what is possible lies within the error bar")
    text = "; ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def _nothing_seen(found: Posterior, absent: Mapping[str, str]) -> str:
    """Why neither background nor lattice answers."""
    said = []
    for name in ("background", "lattice"):
        finding = next((item for item in found.findings if item.source == name), None)
        if finding is None:
            said.append(absent.get(name, f"no {name} is found"))
        else:
            doubt = suspicion(finding)
            said.append(f"the {name} is probably misread" + (f" ({doubt})" if doubt else ""))
    return " and ".join(said)


def _alternative(found: Posterior, place: Place) -> str:
    """Another place in words."""
    apart = float(np.hypot(*(place.mean[:2] - found.best.mean[:2])))
    missing = [name for name in found.best.sources if name not in place.sources]
    chance = f"{100 * place.weight:.2g}%"
    if "lattice" in place.sources and "lattice" in found.best.sources:
        what = place.label if "hkl" in place.label else "another origin of the lattice"
        return f"{chance} for {what}, {apart:.1f} px away"
    if not place.sources:
        return f"{chance} that everything is misread"
    if missing:
        verb = "are" if len(missing) > 1 else "is"
        return (
            f"{chance} that the {' and '.join(missing)} {verb} misread and the beam lies {apart:.3g} px away"
        )
    new = [name for name in place.sources if name not in found.best.sources]
    as_says = f", where the {' and '.join(new)} puts it" if new else ""
    return f"{chance} that the beam lies {apart:.3g} px away{as_says}"


def suspicion(finding: Finding) -> str:
    """What makes a finding most suspect, in words; "" if nothing does that has words."""
    known = reliabilities().get(finding.source)
    if known is None:
        return ""
    worst, words = 0.0, ""
    for name, middle, spread, weight in zip(
        known.features, known.middle, known.spread, known.wrong[1:], strict=True
    ):
        value = (finding.features.get(name, middle) - middle) / spread
        high, low = _WORDS.get((finding.source, name), ("", ""))
        text = high if value > 0 else low
        if text and value * weight > worst:
            worst, words = value * weight, text
    return words
