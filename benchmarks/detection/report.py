"""From saved results to the tables of the README."""

from pathlib import Path

from benchmarks.detection import lengths
from benchmarks.detection.lengths import LENGTHS
from benchmarks.detection.measure import JUDGED, LEVELS, RECALL_RUNS, RUNS, SCENARIOS
from benchmarks.detection.noise import KINDS, N
from benchmarks.detection.peers import PEERS, SLOW_PEERS

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
ALL = ("spikediag", *PEERS)


def rewrite(results: dict) -> None:
    """Replace what stands between the markers."""
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    parts = [
        f(results)
        for f in (
            lengths_false,
            lengths_recall,
            false_alarms,
            calibration,
            short,
            recall,
            detail,
            reference,
            slow,
            run_time,
        )
    ]
    README.write_text(f"{head}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{tail}", encoding="utf-8")


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def by_length(results: dict) -> dict:
    """In ascending order: JSON keeps lengths as words."""
    return {n: results[n] for n in sorted(results, key=int)}


def lengths_false(results: dict) -> str:
    rows = []
    for kind, cells in results["lengths"]["false"].items():
        ours = [f"{cells[str(n)]['spikediag']:.2f}" for n in LENGTHS]
        usual = f"{sum(cells[str(n)]['usual'] for n in LENGTHS) / len(LENGTHS):.2f}"
        judged = "/".join(f"{cells[str(n)]['judged']:.2g}" for n in LENGTHS)
        rows.append([kind, *ours, usual, judged, *peers_of(cells, LENGTHS)])
    title = f"### Short logs: share of {lengths.RUNS} runs with a false finding, by noise and points"
    note = (
        "`usual`: told, once, as usual for such a series. `judged`: some jump below 25 deviations (100 in "
        f"skewed noise) would have been seen. Peers: mean over all lengths, on {lengths.PEER_RUNS} runs. A "
        "rate of 0.05 shows as 0.02 to 0.08 in nineteen tables of twenty."
    )
    header = ["noise", *(str(n) for n in LENGTHS), "usual", "judged, by points", *PEERS]
    return f"{title}\n\n{note}\n\n" + table(header, rows)


def peers_of(cells: dict, points: tuple[int, ...]) -> list[str]:
    """Means over lengths; `-` for a peer that was not run."""
    peers = [[cells[str(n)].get(peer) for n in points] for peer in PEERS]
    return ["-" if None in shares else f"{sum(shares) / len(shares):.2f}" for shares in peers]


def lengths_recall(results: dict) -> str:
    rows = []
    for kind, cells in results["lengths"]["recall"].items():
        ours = [f"{cells[str(n)]['spikediag']:.2f} ({cells[str(n)]['worst']:.1f})" for n in LENGTHS]
        usual = f"{sum(cells[str(n)]['usual'] for n in LENGTHS[1:]) / len(LENGTHS[1:]):.2f}"
        rows.append([kind, *ours, usual, *peers_of(cells, LENGTHS[1:])])
    title = (
        "### Short logs: recall of a jump of 20 deviations, by noise and points (the worst place in brackets)"
    )
    note = (
        f"One point, three points, for good, at 15, 50 and 85 % of the log, and the last 1, 2, 3, 5 points; "
        f"{lengths.RECALL_RUNS} runs each. `usual` and peers: mean from 30 points on."
    )
    return f"{title}\n\n{note}\n\n" + table(["noise", *(str(n) for n in LENGTHS), "usual", *PEERS], rows)


def false_alarms(results: dict) -> str:
    rates = results["false"]["rates"]
    rows = [[kind, *(f"{rates[kind][name]:.3g}" for name in ALL)] for kind in KINDS]
    mean = [sum(rates[kind][name] for kind in KINDS) / len(KINDS) for name in ALL]
    rows.append(["**mean**", *(f"**{value:.3g}**" for value in mean)])
    title = f"### False alarms per 10,000 points ({RUNS} runs of {N:,} points each, default settings)"
    return f"{title}\n\n" + table(["noise", *ALL], rows)


def calibration(results: dict) -> str:
    runs = results["false"]["calibration"]
    rows = [[kind, *(f"{share:.2f}" for share in runs[kind])] for kind in KINDS]
    mean = [sum(runs[kind][i] for kind in KINDS) / len(KINDS) for i in range(len(LEVELS))]
    rows.append(["**all**", *(f"**{share:.3f}**" for share in mean)])
    title = "### Calibration: share of empty runs with a finding below `expected_by_chance`"
    return f"{title}\n\n" + table(["noise", *(f"< {level}" for level in LEVELS)], rows)


def short(results: dict) -> str:
    rows = [
        [kind, *(f"{rates[kind]:.2f}" for rates in by_length(results["short"]).values())] for kind in KINDS
    ]
    title = f"### Short runs: false findings per run ({RUNS} runs each)"
    return f"{title}\n\n" + table(
        ["noise", *(f"{int(n):,} points" for n in by_length(results["short"]))], rows
    )


def recall(results: dict) -> str:
    rows = []
    for scenario in SCENARIOS:
        cells = [results["recall"][f"{scenario.name}|{kind}"] for kind in JUDGED]
        rows.append([scenario.name, *("/".join(f"{c[name]:.2g}" for c in cells) for name in ALL)])
    title = f"### Recall on {', '.join(JUDGED)} ({RECALL_RUNS} runs each; heights in noise deviations)"
    note = (
        "Peers run at their published settings on the loss plus 10, as none takes a signed loss; "
        "read their recall next to their false alarms."
    )
    return f"{title}\n\n{note}\n\n" + table(["planted", *ALL], rows)


def detail(results: dict) -> str:
    rows = []
    for scenario in SCENARIOS:
        cells = [results["recall"][f"{scenario.name}|{kind}"] for kind in JUDGED]
        onset = "/".join("-" if c["onset_error"] is None else f"{c['onset_error']:.0f}" for c in cells)
        kinds = "/".join(f"{c['kind_right']:.2f}" for c in cells)
        rows.append([scenario.name, onset, kinds])
    title = "### Of what spikediag found: median onset error in points, share with the right kind"
    return f"{title}\n\n" + table(["planted", "onset error", "right kind"], rows)


def reference(results: dict) -> str:
    rows = [[name, f"{a:.2f}", f"{b:.3g}"] for name, (a, b) in results["reference"].items()]
    title = "### The reference case: -15 +/- 0.8, up by 39 for 6 of 2,000 points"
    return f"{title}\n\n" + table(["", "found", "false alarms per run"], rows)


def slow(results: dict) -> str:
    rows = [[kind, *(f"{rates[name]:.3g}" for name in SLOW_PEERS)] for kind, rates in results["slow"].items()]
    title = f"### ruptures: rises per 10,000 points where there are none (2 runs of {N // 10:,} points)"
    return f"{title}\n\n" + table(["noise", *SLOW_PEERS], rows)


def run_time(results: dict) -> str:
    lengths = by_length(results["run_time"])
    own = table([f"{int(n):,} points" for n in lengths], [[f"{1e3 * t:.0f} ms" for t in lengths.values()]])
    times = results["false"]["milliseconds"]
    peers = table(list(ALL), [[f"{times[name]:.1f}" for name in ALL]])
    return f"### CPU time\n\nspikediag:\n\n{own}\n\nMilliseconds for {N:,} points:\n\n{peers}"
