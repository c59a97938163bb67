"""How much a check adds to reading and diagnosing: `python -m benchmarks.check.overhead`.

Each stage is timed on its own, the fastest of several repetitions, on runs of sample_runs: one with a spike,
one that is calm. The bar is 20 %.
"""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from spikediag import parser, pipeline
from spikediag.policy import Policy, baseline, history
from spikediag.policy.outputs import comment, github, gitlab, junit, sarif
from spikediag.policy.outputs.check_json import to_json
from spikediag.policy.result import CheckResult
from spikediag.policy.rules import judge

SAMPLE_RUNS = Path(__file__).parents[2] / "sample_runs"
RUNS = ("bc_single_trajectory", "bc_batch_32")
REPEATS = 7


def fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of REPEATS calls; the first loads what is needed and does not count."""
    work()
    seconds = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def published(diagnosis: object, policy: Policy) -> list[object]:
    """Judge, apply a baseline, and make every output."""
    result = judge(diagnosis, policy)
    accepted = baseline.accept([result])
    check = CheckResult(policy, (baseline.apply(result, accepted, date(2026, 1, 1)),))
    made = [to_json(check), junit.to_junit(check), sarif.to_sarif(check, "0"), gitlab.to_gitlab(check)]
    return [*made, comment.to_markdown(check), github.to_github(check)]


def main() -> None:
    policy = Policy(max_batch_ratio=0.5)
    print("| run | read and diagnose | judge, baseline, all outputs | added | with 5 earlier runs | added |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name in RUNS:
        run = SAMPLE_RUNS / name
        diagnosis = pipeline.diagnose(parser.read_run(run))
        base = fastest(lambda run=run: pipeline.diagnose(parser.read_run(run)))
        check = fastest(lambda d=diagnosis: published(d, policy))
        against = fastest(
            lambda d=diagnosis: history.against_history(judge(d, policy), [d] * 5, policy.alpha)
        )
        cells = f"{1e3 * base:.0f} ms | {1e3 * check:.1f} ms | {check / base:.1%}"
        print(f"| {name} | {cells} | {1e3 * against:.1f} ms | {against / base:.1%} |")


if __name__ == "__main__":
    main()
