"""How good the answers are, and whether the probabilities mean what they say."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import isotonic_regression, minimize_scalar

from benchmarks.attribution.cases import Said

BINS = 10
DRAWS = 400
LEAST = 1e-4  # no probability is taken for smaller, or for nearer to 1
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
    told_ece_limit: float  # what 95 % of such draws stay below
    bins: tuple[Bin, ...]  # of those probabilities
    risk: tuple[tuple[float, float], ...]  # coverage, error among the most certain


def scores(said: tuple[Said, ...]) -> Scores:
    chance = calibration_by_chance([s.told[0] for s in said if s.told is not None])
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
        told_ece_by_chance=float(np.mean(chance)),
        told_ece_limit=float(np.quantile(chance, 0.95)),
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
    return factor_of_least(lambda factor: log_loss(said, factor))


def factor_of_least(loss: Callable[[float], float]) -> float:
    """The factor between e^-1.5 and e^1.5 at which a loss is least."""
    found = minimize_scalar(lambda log: loss(math.exp(log)), bounds=(-1.5, 1.5), method="bounded")
    return math.exp(found.x)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    return sum(b.count * abs(b.said - b.true) for b in bins) / max(sum(b.count for b in bins), 1)


def calibration_by_chance(said: list[float]) -> np.ndarray:
    """Calibration errors (draws,) of probabilities that are exactly right, as so few findings show anyway."""
    draw = np.random.default_rng(0)
    drawn = [reliability([(p, bool(draw.random() < p)) for p in said]) for _ in range(DRAWS)]
    return np.array([calibration_error(bins) for bins in drawn])


def left_out(said: tuple[Said, ...]) -> dict[str, float]:
    """Log-loss of the probabilities given: as they are, and mended by what all other seeds teach.

    A temperature scales their log-odds (Guo et al. 2017, arXiv 1706.04599); an isotonic regression replaces
    each by the share that was right beside it (Zadrozny, Elkan 2002, doi:10.1145/775047.775151).
    """
    told = [(*s.told, s.run.rpartition("_")[2]) for s in said if s.told is not None]
    given = np.clip([p for p, _, _ in told], LEAST, 1 - LEAST)
    right = np.array([float(r) for _, r, _ in told])
    seeds = np.array([seed for _, _, seed in told])
    tempered_ones, isotonic = given.copy(), given.copy()
    for seed in set(seeds):
        others, own = seeds != seed, seeds == seed
        factor = best_factor(given[others], right[others])
        tempered_ones[own] = scaled(given[own], factor)
        isotonic[own] = shares_beside(given[own], given[others], right[others])
    found = {"as given": given, "with a temperature": tempered_ones, "isotonic": isotonic}
    return {name: surprise(p, right) for name, p in found.items()}


def scaled(given: np.ndarray, factor: float) -> np.ndarray:
    """Probabilities (n,) whose log-odds are multiplied."""
    return np.asarray(1 / (1 + ((1 - given) / given) ** factor))


def best_factor(given: np.ndarray, right: np.ndarray) -> float:
    """The factor on the log-odds that minimises the log-loss."""
    return factor_of_least(lambda factor: surprise(scaled(given, factor), right))


def shares_beside(at: np.ndarray, given: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Isotonic shares of right ones at probabilities (n,); half a right and half a wrong one more a block."""
    order = np.argsort(given)
    fit = isotonic_regression(right[order])
    counts = np.diff(fit.blocks)
    smooth = np.repeat((fit.x[fit.blocks[:-1]] * counts + 0.5) / (counts + 1), counts)
    return np.interp(at, given[order], smooth)


def surprise(given: np.ndarray, right: np.ndarray) -> float:
    """Mean log-loss of probabilities (n,)."""
    held = np.clip(given, LEAST, 1 - LEAST)
    return float(-np.mean(right * np.log(held) + (1 - right) * np.log(1 - held)))


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
