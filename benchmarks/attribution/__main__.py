r"""Does attribution name the fault that was injected, and do its probabilities mean what they say?

    for seeds in 900:905 940:943 960:965 1000:1004; do
        python -m sample_runs.lab faults --out faults/calibration --seeds $seeds; done
    for seeds in 930:934 940:944 960:966 1000:1003; do
        python -m sample_runs.lab learners --out faults/calibration --seeds $seeds; done
    for seeds in 970:975 980:981; do python -m sample_runs.lab faults --out faults/test --seeds $seeds; done
    for seeds in 970:974 980:981; do python -m sample_runs.lab learners --out faults/test --seeds $seeds; done
    python -m benchmarks.attribution faults/calibration faults/test

Rewrites the tables of README.md and attribution.json. The calibration folder fits the temperature and
nothing of the test folder is used for anything but the tables.
"""

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from scipy.stats import binomtest

from benchmarks.attribution.cases import CLONING, LEARNERS, RISE, Said, View, view
from benchmarks.attribution.scores import Scores, best_temperature, left_out, scores

HERE = Path(__file__).parent
VIEWS = {"all roles logged": False, "loss and error only": True}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.attribution", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("calibration", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--workers", type=int, default=2, help="processes at a time, default 2")
    arguments = parser.parse_args()
    seen = {name: found.said for name, found in views_of(arguments.calibration, arguments.workers).items()}
    fitted = tuple(one for said in seen.values() for one in said)
    factor = best_temperature(fitted)
    views = views_of(arguments.test, arguments.workers)
    scored = {name: scores(found.said) for name, found in views.items()}
    print(f"calibration: {len(fitted)} findings, best factor on the temperature {factor:.2f}")
    sections = [
        f"Calibration: {len(fitted)} findings; the best factor on the temperature in use is {factor:.2f}."
    ]
    sections += [calibrated(name, scores(said)) for name, said in seen.items()]
    sections += [mended(seen)]
    sections += [summary(views, scored), *(details(name, views[name], scored[name]) for name in views)]
    rewrite(HERE / "README.md", "\n\n".join(sections))
    results = {name: {**asdict(s), "missed": views[name].missed} for name, s in scored.items()}
    (HERE / "attribution.json").write_text(
        json.dumps({"temperature_factor": factor, **results}, indent=1) + "\n", encoding="utf-8"
    )


def views_of(folder: Path, workers: int) -> dict[str, View]:
    whole = {name: view(folder, bare=bare, workers=workers) for name, bare in VIEWS.items()}
    return {
        f"{family}, {name}": found.of(family)
        for family in (CLONING, LEARNERS)
        for name, found in whole.items()
    }


def calibrated(name: str, on: Scores) -> str:
    return (
        f"On the calibration itself, {name}: top-1 {on.top1:.3f}, right or unexplained "
        f"{on.right_or_unexplained:.3f}, a wrong SUPPORTED {on.wrong_supported:.3f}, "
        f"calibration error {on.told_ece:.3f} of the probabilities that are given."
    )


def mended(seen: dict[str, tuple[Said, ...]]) -> str:
    """Whether any mend of the probabilities, learnt on other seeds, makes them better."""
    losses = {name: left_out(said) for name, said in seen.items()}
    mends = list(next(iter(losses.values())))
    lines = [
        "| log-loss of the probabilities given, each seed mended by the others | " + " | ".join(mends) + " |",
        "|---|" + "---:|" * len(mends),
        *(
            f"| {name} | " + " | ".join(f"{loss[m]:.4f}" for m in mends) + " |"
            for name, loss in losses.items()
        ),
    ]
    return "\n".join(lines)


def summary(views: dict[str, View], scored: dict[str, Scores]) -> str:
    rows = (
        ("findings scored", lambda s: f"{s.findings}"),
        ("top-1 cause right", lambda s: with_interval(s.top1, s.findings)),
        ("right or unexplained", lambda s: with_interval(s.right_or_unexplained, s.findings)),
        ("a wrong SUPPORTED", lambda s: with_interval(s.wrong_supported, s.findings)),
        (
            "SUPPORTED for what is not logged",
            lambda s: next(
                f"{s.supported_unlogged}" if name.endswith("only") else "-"
                for name, o in scored.items()
                if o is s
            ),
        ),
        ("coupling as the truth says", lambda s: f"{s.coupling:.3f}"),
        ("Brier score", lambda s: f"{s.brier:.3f}"),
        ("findings with a probability", lambda s: f"{s.told:.3f}"),
        ("calibration error of these", lambda s: f"{s.told_ece:.3f}"),
        (
            "the same if each were exactly right, mean of draws (95 % stay below)",
            lambda s: f"{s.told_ece_by_chance:.3f} ({s.told_ece_limit:.3f})",
        ),
        ("calibration error of all shares, `unexplained` too", lambda s: f"{s.ece:.3f}"),
        ("log-loss", lambda s: f"{s.log_loss:.3f}"),
    )
    lines = ["| test split | " + " | ".join(scored) + " |", "|---|" + "---:|" * len(scored)]
    lines += [f"| {name} | " + " | ".join(show(s) for s in scored.values()) + " |" for name, show in rows]
    lines.append(
        "| findings in calm trainings | "
        + " | ".join(f"{len(v.alarms)} in {len(v.calm)}" for v in views.values())
        + " |"
    )
    lines.append(
        "| of these, rises that are not called usual | "
        + " | ".join(f"{sum(alarm.endswith(RISE) for alarm in v.alarms)}" for v in views.values())
        + " |"
    )
    lines.append(
        "| faults without a finding | " + " | ".join(f"{len(v.missed)}" for v in views.values()) + " |"
    )
    return "\n".join(lines)


def with_interval(share: float, of: int) -> str:
    """A share of n with its exact 95 % interval (Clopper, Pearson 1934, doi:10.1093/biomet/26.4.404)."""
    if not of:
        return "-"
    interval = binomtest(round(share * of), of).proportion_ci()
    return f"{share:.3f} ({interval.low:.3f}-{interval.high:.3f})"


def details(name: str, found: View, scored: Scores) -> str:
    bins = ["| probability given | findings | said | right |", "|---|---:|---:|---:|"]
    bins += [f"| {b.low:.1f}-{b.high:.1f} | {b.count} | {b.said:.2f} | {b.true:.2f} |" for b in scored.bins]
    risk = ["| most certain | wrong |", "|---:|---:|", *(f"| {c:.0%} | {r:.3f} |" for c, r in scored.risk)]
    missed = ", ".join(
        f"{fault} {count}" for fault, count in Counter(m.rpartition("_")[0] for m in found.missed).items()
    )
    return "\n\n".join(
        (
            f"### {name}",
            confusion(found.said),
            "\n".join(bins),
            "\n".join(risk),
            f"Faults without a finding, by kind: {missed or 'none'}.",
        )
    )


def confusion(said: tuple[Said, ...]) -> str:
    columns = sorted({s.primary for s in said})
    lines = ["| fault (right answers) | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for fault in sorted({s.fault for s in said}):
        of = [s for s in said if s.fault == fault]
        counts = Counter(s.primary for s in of)
        cells = (
            f"**{counts[c]}**" if counts[c] and c in of[0].truth else str(counts[c] or "") for c in columns
        )
        lines.append(f"| {fault} ({', '.join(of[0].truth)}) | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def rewrite(readme: Path, text: str) -> None:
    head, _, rest = readme.read_text(encoding="utf-8").partition("<!-- tables -->")
    tail = rest.partition("<!-- end -->")[2]
    readme.write_text(f"{head}<!-- tables -->\n{text}\n<!-- end -->{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
