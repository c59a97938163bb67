"""How good the answers are, and whether the probabilities mean what they say."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import minimize_scalar

from benchmarks.attribution.cases import Said

BINS = 10
DRAWS = 400
NOT_LOGGED = {  # with loss and error alone
    "log-std-drift", "lr-change", "grad-explosion", "loss-scale", "trust-region", "reward-term",
    "temperature", "returns-grow", "kl-term", "data-stage", "adam-staleness",
}  # fmt: skip


@dataclass(frozen=True)
class Bin:
    low: float
    high: float
    count: int
    said: float  # mean probability
    true: float  # share that was right


@dataclass(frozen=True)
class Scores:
    findings: int
    top1: float
    right_or_unexplained: float
    wrong_supported: float  # share of findings with a supported cause that is wrong
    supported_unlogged: int  # supported causes whose quantity was not logged
    coupling: float
    brier: float
    log_loss: float
    ece: float  # of the share of the likeliest cause, `unexplained` too
    told: float  # share of findings for which a report gives a probability
    told_ece: float  # of those probabilities
    told_ece_by_chance: float  # its mean if every one of those probabilities were exactly right
    bins: tuple[Bin, ...]  # of those probabilities
    risk: tuple[tuple[float, float], ...]  # coverage, error among the most certain


def scores(said: tuple[Said, ...]) -> Scores:
    wrong = [bool(set(s.supported) - set(s.truth)) for s in said]
    bins = reliability([s.told for s in said if s.told is not None])
    shares = reliability([confidence(s) for s in said])
    return Scores(
        findings=len(said),
        top1=share([s.right for s in said]),
        right_or_unexplained=share([s.right or s.primary == "unexplained" for s in said]),
        wrong_supported=share(wrong),
        supported_unlogged=sum(len(set(s.supported) & NOT_LOGGED) for s in said),
        coupling=share([s.coupling in s.coupling_truth for s in said if s.coupling_truth]),
        brier=float(np.mean([(confidence(s)[0] - confidence(s)[1]) ** 2 for s in said])) if said else 0.0,
        log_loss=log_loss(said, 1.0),
        ece=calibration_error(shares),
        told=share([s.told is not None for s in said]),
        told_ece=calibration_error(bins),
        told_ece_by_chance=calibration_by_chance([s.told[0] for s in said if s.told is not None]),
        bins=bins,
        risk=risk_coverage(said),
    )


def share(flags: list[bool]) -> float:
    return float(np.mean(flags)) if flags else 0.0


def confidence(one: Said) -> tuple[float, bool]:
    """The probability of the likeliest cause, and whether it is right."""
    cause = max(one.probabilities, key=lambda c: (one.probabilities[c], c))
    return one.probabilities[cause], cause in one.truth


def tempered(one: Said, temperature: float) -> dict[str, float]:
    """The probabilities another temperature would have given."""
    logs = {c: np.log(max(p, 1e-300)) / temperature for c, p in one.probabilities.items()}
    top = max(logs.values())
    powers = {c: float(np.exp(v - top)) for c, v in logs.items()}
    whole = sum(powers.values())
    return {c: p / whole for c, p in powers.items()}


def log_loss(said: tuple[Said, ...], temperature: float) -> float:
    if not said:
        return 0.0
    mass = [sum(tempered(s, temperature).get(c, 0.0) for c in s.truth) for s in said]
    return float(-np.mean(np.log(np.clip(mass, 1e-9, 1))))


def best_temperature(said: tuple[Said, ...]) -> float:
    """The factor on the current temperature that minimises the log-loss."""
    found = minimize_scalar(lambda t: log_loss(said, float(np.exp(t))), bounds=(-1.5, 1.5), method="bounded")
    return float(np.exp(found.x))


def calibration_error(bins: tuple[Bin, ...]) -> float:
    return sum(b.count * abs(b.said - b.true) for b in bins) / max(sum(b.count for b in bins), 1)


def calibration_by_chance(said: list[float]) -> float:
    """The mean calibration error of probabilities that are exactly right, as so few findings show anyway."""
    draw = np.random.default_rng(0)
    drawn = [reliability([(p, bool(draw.random() < p)) for p in said]) for _ in range(DRAWS)]
    return float(np.mean([calibration_error(bins) for bins in drawn]))


def reliability(pairs: list[tuple[float, bool]]) -> tuple[Bin, ...]:
    edges = np.linspace(0, 1, BINS + 1)
    found = []
    for low, high in pairwise(edges):
        inside = [(p, r) for p, r in pairs if low <= p < high or (high == 1 and p == 1)]
        if inside:
            found.append(
                Bin(
                    float(low),
                    float(high),
                    len(inside),
                    float(np.mean([p for p, _ in inside])),
                    share([r for _, r in inside]),
                )
            )
    return tuple(found)


def risk_coverage(said: tuple[Said, ...]) -> tuple[tuple[float, float], ...]:
    ordered = sorted((confidence(s) for s in said), key=lambda pair: -pair[0])
    curve = []
    for coverage in (0.25, 0.5, 0.75, 0.9, 1.0):
        kept = ordered[: max(1, round(coverage * len(ordered)))] if ordered else []
        curve.append((coverage, 1 - share([right for _, right in kept])))
    return tuple(curve)
