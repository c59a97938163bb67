"""`spikediag check`: a gate for CI."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from spikediag.cli import policy_options as options
from spikediag.cli.baseline import Baseline
from spikediag.cli.check_files import Files, Gitlab, Junit, Markdown, Sarif, publish
from spikediag.cli.exits import Exit
from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.judging import judge_all

EXITS = {"passed": Exit.DONE, "failed": Exit.FORBIDDEN, "not_judged": Exit.UNUSABLE}
_BASELINE = "Accepted spikes and earlier runs"


def check(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Run folders, event files, or folders of runs.")
    ],
    *,
    policy_file: Annotated[
        Path | None, typer.Option("--policy", help="Read the policy from this TOML file and no other.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", rich_help_panel=_BASELINE, help="Pass what this file accepts."),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option(
            "--write-baseline", rich_help_panel=_BASELINE, help="Accept today's spikes in this file."
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", rich_help_panel=_BASELINE, help="Why they are accepted.")
    ] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(
            "--expires",
            formats=["%Y-%m-%d"],
            rich_help_panel=_BASELINE,
            help="The last day they are accepted.",
        ),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            metavar="RUN",
            rich_help_panel=_BASELINE,
            help="Fail when significantly worse than these earlier runs; repeatable, or a folder of runs.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the check as JSON.")] = False,
    junit: Junit = None,
    sarif: Sarif = None,
    gitlab: Gitlab = None,
    markdown: Markdown = None,
    forbid_kinds: options.Kinds = None,
    forbid_couplings: options.Couplings = None,
    forbid_causes: options.Causes = None,
    min_height: options.MinHeight = None,
    min_sigmas: options.MinSigmas = None,
    max_chance: options.MaxChance = None,
    after_step: options.AfterStep = None,
    max_batch_ratio: options.MaxRatio = None,
    require_companion: options.Companion = None,
    strict: options.Strict = None,
    alpha: options.Alpha = None,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
) -> int:
    """Fail on what the policy forbids: by default a decoupled spike, a divergence, or a non-finite loss.

    Exits with 0 when every run passed, 1 when one failed, 2 when one could not be read or judged.
    """
    from spikediag.policy import Policy, load

    keys = options.chosen(
        forbid_kinds=forbid_kinds,
        forbid_couplings=forbid_couplings,
        forbid_causes=forbid_causes,
        min_height=min_height,
        min_sigmas=min_sigmas,
        max_chance=max_chance,
        after_step=after_step,
        max_batch_ratio=max_batch_ratio,
        require_companion=require_companion,
        strict=strict,
        alpha=alpha,
    )
    policy: Policy = load(Path.cwd(), keys, policy_file)
    accepted = Baseline.open(baseline, write_baseline, reason, expires.date() if expires else None)
    facts = given(batch_size, dataset_size, action_dim, fact)
    gate = accepted.applied(judge_all(runs, policy, facts, against or ()))
    publish(gate, Files(junit, sarif, gitlab, markdown), as_json=as_json)
    return EXITS[gate.outcome.value]
