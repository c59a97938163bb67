"""`spikediag check`: a gate for CI."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, dataclass, fields, replace
from datetime import UTC, date, datetime
from functools import partial, wraps
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, get_type_hints

import typer

from spikediag.cli.check_output import Files, Gitlab, Junit, Markdown, Sarif, publish
from spikediag.cli.exits import Exit
from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, Given, OtherFacts, given
from spikediag.cli.names import own_ends, told_apart
from spikediag.cli.runs import Failure, Paths, Source, attempt, found_at, quietly, unseen
from spikediag.cli.spoken import Lang, speak
from spikediag.cli.terminal import note
from spikediag.cli.whole_files import write_file
from spikediag.errors import NoEventsError, NoLossError, UsageError
from spikediag.policy import Policy, load, not_asked
from spikediag.text import say

if TYPE_CHECKING:
    from spikediag.model import Diagnosis
    from spikediag.parser import Overlooked, RunSource
    from spikediag.policy.result import AcceptedSpike, CheckResult, RunResult, Unread

T = TypeVar("T")

PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="Read the policy from this TOML file and no other.")
]
EXITS = {"passed": Exit.DONE, "failed": Exit.FORBIDDEN, "not_judged": Exit.UNUSABLE}
_BASELINE = "Accepted spikes and earlier runs"
_POLICY = "Policy, also as keys in spikediag.toml or pyproject.toml"


def _with_policy_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command an option for each field of the policy; it gets those that were set as `keys`."""
    signature = inspect.signature(command)
    options = {f.name: _option(f) for f in fields(Policy)}
    parameters = [
        made
        for p in signature.parameters.values()
        for made in (options.values() if p.name == "keys" else [p])
    ]

    @wraps(command)
    def with_keys(**values: Any) -> int:  # noqa: ANN401  # whatever Typer parsed
        keys = {name: values.pop(name) for name in options}
        return command(**values, keys={name: _parsed(v) for name, v in keys.items() if v is not None})

    with_keys.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_keys.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    return with_keys


def _option(key: "Field[Any]") -> inspect.Parameter:
    """The option of one key: a list as `NAME,...`, one that is on as `--x/--no-x`."""
    name, kind = key.name.replace("_", "-"), get_type_hints(Policy)[key.name]
    is_list = isinstance(key.default, frozenset)
    option = typer.Option(
        f"--{name}/--no-{name}" if key.default is True else f"--{name}",
        help=f"{key.metadata['doc']}{_default(key.default)}",
        metavar="NAME,..." if is_list else None,
        rich_help_panel=_POLICY,
        show_default=False,
    )
    annotation: Any = Annotated[(str if is_list else kind) | None, option]
    return inspect.Parameter(key.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _default(value: object) -> str:
    if isinstance(value, frozenset):
        return f" Default: {','.join(sorted(value)) or 'none'}."
    if value in (None, False, 0.0, inf):
        return ""
    return f" Default: {'on' if value is True else value}."


def _parsed(value: object) -> object:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


@_with_policy_options
def check(
    paths: Paths,
    *,
    policy_file: PolicyFile = None,
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
    lang: Lang = None,
    junit: Junit = None,
    sarif: Sarif = None,
    gitlab: Gitlab = None,
    markdown: Markdown = None,
    keys: dict[str, object],
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
) -> int:
    """Fail on what the policy forbids.

    By default that is a spike that the error metric did not follow, a divergence, a loss that is not finite,
    what is still up at the end of the log, and whatever matters: an error or a reward that ended worse.

    Exits with 0 when every run passed, 1 when one failed, else 2 when one could not be read or judged.
    """
    code = speak(lang, *paths)
    accepted = Baseline.open(baseline, write_baseline, reason, expires.date() if expires else None)
    facts = given(batch_size, dataset_size, action_dim, fact)
    policy = partial(load, Path.cwd(), keys, policy_file)
    result = accepted.applied(judge_all(paths, policy, facts, against or (), source))
    publish(result, Files(junit, sarif, gitlab, markdown), code, as_json=as_json)
    return EXITS[result.outcome.value]


def judge_all(
    paths: Sequence[Path],
    policy_beside: Callable[[Sequence[Path]], Policy],
    facts: Given,
    against: Sequence[Path],
    source: str | None,
) -> "CheckResult":
    """What the policy says of every run, beside the history when there is one.

    Args:
        paths: where the runs are.
        policy_beside: loads what is forbidden, given the folders of the runs, which are not asked for it.
        facts: from the command line.
        against: where earlier runs are.
        source: the only kind of log that is read.
    """
    from spikediag.policy.result import CheckResult

    found, missed, left_out = _accounted(paths, source)
    policy = policy_beside([run.folder.path for run in found if not isinstance(run, Failure)])
    judged, unread = _apart(attempt(found, partial(_judged, policy=policy, facts=facts)))
    unread += missed
    results = _named(judged)
    if against:
        from spikediag.policy import history

        found, missed, passed_by = _accounted(against, source)
        earlier, missing = _apart(attempt(found, partial(quietly, facts={})))
        results = [history.against_history(r, _others(r.diagnosis, earlier), policy.alpha) for r in results]
        unread += [one for one in (*missing, *missed) if one not in unread]
        left_out += [one for one in passed_by if one not in left_out]
    return CheckResult(policy, tuple(results), tuple(unread), left_out=tuple(left_out))


def _accounted(
    paths: Sequence[Path], source: str | None
) -> "tuple[Sequence[RunSource | Failure], list[Unread], list[Unread]]":
    """The runs at or below some paths; what looks like a log and is in none; what a rule leaves out."""
    found: Sequence[RunSource | Failure] = found_at(paths, source)
    beside = list(unseen(paths, found)) if source is None else []
    missed = _unread(one for one in beside if not one.by_rule)
    if missed:  # told one by one, and not once for the folder
        found = [one for one in found if not _is_nothing(one)]
    return found, missed, _unread(one for one in beside if one.by_rule)


def _named(results: "Sequence[RunResult]") -> "list[RunResult]":
    """The results of runs with different names, and what else names each of them alone."""
    runs = [result.diagnosis.run for result in results]
    paths = [Path(run.path) for run in runs]
    named = zip(results, told_apart([run.name for run in runs], paths), own_ends(paths), strict=True)
    return [
        replace(r, diagnosis=replace(r.diagnosis, run=replace(r.diagnosis.run, name=name)), ends=ends)
        for r, name, ends in named
    ]


def _judged(source: "RunSource", policy: Policy, facts: Given) -> "RunResult":
    """What the policy says of one run, which its own settings cannot relax."""
    from spikediag.policy.rules import judge

    diagnosis = quietly(source, facts)
    result = judge(diagnosis, policy)
    if place := not_asked(source.folder.path, policy):
        from spikediag.parser import address

        said = say("The policy beside the run is not asked ({place}).", place=address(place.path))
        result = replace(result, remarks=(said,))
    if policy.trust_settings or not (own := diagnosis.run.own_settings):
        return result
    named = say("The run's own settings change {named}; judged without them too.", named=", ".join(own))
    try:
        bare = judge(quietly(source, facts, settings=False), policy)
    except NoLossError:
        bare = None
    return result.and_bare(bare, named)


def _others(diagnosis: "Diagnosis", earlier: "Sequence[Diagnosis]") -> "list[Diagnosis]":
    """The earlier runs without the run itself, which a folder of runs may hold too."""
    itself = Path(diagnosis.run.path).resolve()
    return [d for d in earlier if Path(d.run.path).resolve() != itself]


def _apart(outcomes: "Iterable[T | Failure]") -> "tuple[list[T], list[Unread]]":
    from spikediag.policy.result import Unread

    every = list(outcomes)
    done = [o for o in every if not isinstance(o, Failure)]
    return done, [Unread(o.document["path"], o.error.said) for o in every if isinstance(o, Failure)]


def _is_nothing(found: "RunSource | Failure") -> bool:
    return isinstance(found, Failure) and isinstance(found.error, NoEventsError)


def _unread(beside: "Iterable[Overlooked]") -> "list[Unread]":
    from spikediag.parser import address
    from spikediag.policy.result import Unread

    return [Unread(address(one.path), one.why) for one in beside]


@dataclass(frozen=True)
class Baseline:
    """The spikes a check accepts, and where to write what is accepted from today on."""

    accepted: "tuple[AcceptedSpike, ...]"
    target: Path | None
    reason: str
    expires: date | None

    @classmethod
    def open(cls, source: Path | None, target: Path | None, reason: str, expires: date | None) -> Self:
        """Read the baseline; a target that exists is a baseline, and what it says stays.

        Raises:
            UsageError: a file is missing or malformed, or a reason is given with nothing to write it to.
        """
        from spikediag.policy import baseline

        if target is None and (reason or expires):
            raise UsageError(say("--reason and --expires belong to --write-baseline FILE; give that too."))
        if source is None and target is not None and target.exists():
            source = target
        elif target is not None and target.exists() and not target.samefile(source or target):
            baseline.load(target)
        return cls(baseline.load(source) if source else (), target, reason, expires)

    def applied(self, result: "CheckResult") -> "CheckResult":
        """The check with accepted spikes set apart; writes the new baseline when asked to."""
        result = self._apart(result, self.accepted)
        if self.target is None:
            return result
        from spikediag.policy import baseline

        names = [name for run in result.runs for name in run.names]
        elsewhere = [entry for entry in self.accepted if not entry.concerns(names)]
        entries = (*elsewhere, *baseline.accept(result.runs, self.reason, self.expires))
        write_file(self.target, baseline.to_toml(entries))
        note(say("wrote {target}: {count} accepted", target=str(self.target), count=len(entries)))
        return self._apart(result, entries)

    def _apart(self, result: "CheckResult", entries: "tuple[AcceptedSpike, ...]") -> "CheckResult":
        from spikediag.policy import baseline

        today = datetime.now(UTC).date()
        runs = tuple(baseline.apply(run, entries, today) for run in result.runs)
        return replace(result, runs=runs, stale=baseline.stale(entries, runs))
