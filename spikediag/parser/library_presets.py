"""What each library calls its quantities: one preset each, `presets/*.toml`, recognised by its tags."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType
from typing import Any

from spikediag.model import (
    REINFORCED,
    Framework,
    LossKind,
    Measure,
    Reduction,
    Role,
    StepUnit,
    Text,
    Transform,
    say,
)

GENERAL = "general"
ACCURACY = "accuracy"  # the log line of an error metric where classes or tokens are predicted
PREDICTION = "prediction"  # and where it is not known what is
OF_CLASSES = frozenset({LossKind.CROSS_ENTROPY, LossKind.KL_REGULARISED})
ITSELF_AN_ERROR = frozenset(
    {LossKind.DENOISING, LossKind.RECONSTRUCTION, LossKind.REGRESSION, LossKind.ADVERSARIAL}
)
OPTIONAL = {"recognise", "step_unit", "framework", "kind", *Framework}  # of a preset
LINES = {"log_lines", "remedies"}
LONGEST = 1000  # characters of a tag that rules look at
SEPARATORS = re.compile(r"[\s/_.()\-]+")


@dataclass(frozen=True)
class RoleAssignment:
    """The role of a tag and how its numbers are to be read."""

    role: Role
    measure: Measure = Measure.UNKNOWN
    reduction: Reduction = Reduction.UNKNOWN
    transform: Transform = Transform.NONE
    scale: float = 1.0  # what logged numbers are multiplied by
    reason: str = ""
    refine: bool = False  # what stands beside the tag may say more of it
    kind: LossKind = LossKind.UNKNOWN
    why: Text = field(default_factory=lambda: say(""))  # the preset or rule that says so, for people


@dataclass(frozen=True)
class Rule:
    """One line of a preset: what a tag means that matches."""

    tag: str  # a regular expression over the whole normalised tag
    meaning: RoleAssignment

    def fits(self, name: str) -> bool:
        """Whether the rule speaks of a normalised tag."""
        return self._pattern.fullmatch(name) is not None

    @cached_property  # a run needs the rules of one library, not of all
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(self.tag)


@dataclass(frozen=True)
class Company:
    """What a loss is whose own tag leaves it open, by the tags that are logged beside it."""

    of: re.Pattern[str]  # over the whole normalised tag of the loss
    beside: tuple[re.Pattern[str], ...]  # each must match some other normalised tag
    kind: LossKind

    def losses(self, losses: Iterable[str], names: Collection[str]) -> set[str]:
        """Return the losses that it speaks of, of a run with these normalised tags."""
        found = {loss for loss in losses if self.of.fullmatch(loss)}
        for pattern in self.beside if found else ():
            company = {name for name in names if pattern.fullmatch(name)}
            found = {loss for loss in found if company - {loss}}
        return found


@dataclass(frozen=True)
class Lines:
    """The code in which a library or a framework logs what is missing and puts remedies into effect."""

    log: Mapping[str, str] = field(default_factory=dict)  # by role; ACCURACY and PREDICTION beside them
    remedies: Mapping[str, str] = field(default_factory=dict)  # by the name of its function in `attribution/`


@dataclass(frozen=True)
class Preset:
    """One library."""

    name: str
    recognise: tuple[re.Pattern[str], ...]  # over tags as written; each must match some tag
    rules: tuple[Rule, ...]
    step_unit: StepUnit = StepUnit.STEP
    kinds: tuple[Company, ...] = ()
    framework: Framework = Framework.TORCH
    lines: Lines = field(default_factory=Lines)
    frameworks: Mapping[Framework, Lines] = field(default_factory=dict)  # of the general preset

    def fits(self, tags: Iterable[str]) -> bool:
        """Whether a run with these tags was written by this library."""
        known = tuple(tags)
        return bool(self.recognise) and all(any(p.fullmatch(tag) for tag in known) for p in self.recognise)


def normalise(tag: str) -> str:
    """Write a tag in the one way that rules are written for: `Loss / Policy loss` -> `loss_policy_loss`."""
    return SEPARATORS.sub("_", tag[:LONGEST].lower()).strip("_")


def recognise(tags: Iterable[str]) -> Preset | None:
    """Find the library that uses these tags; the most demanding preset wins."""
    known = tuple(tag[:LONGEST] for tag in tags)
    fitting = [preset for preset in presets().values() if preset.fits(known)]
    return max(fitting, key=lambda preset: (len(preset.recognise), preset.name), default=None)


def log_lines(preset: Preset | None, kinds: Iterable[LossKind] = ()) -> Mapping[Role, str]:
    """Return how a library logs what is missing, as its framework does where it has no way of its own.

    Args:
        preset: Of the library.
        kinds: Of the losses; they say which error metric the model has beside its loss.
    """
    general, own = _lines(preset)
    lines: dict[str, str] = {**general.log, **own.log}
    accuracy, prediction = lines.pop(ACCURACY), lines.pop(PREDICTION)
    measured = set(kinds) - REINFORCED
    known = measured - {LossKind.UNKNOWN}  # a penalty beside the loss of a language model measures nothing
    if known and known <= OF_CLASSES:
        lines[Role.COMPANION] = accuracy
    elif measured and measured <= ITSELF_AN_ERROR:
        del lines[Role.COMPANION]
    elif LossKind.LIKELIHOOD not in measured:
        lines[Role.COMPANION] = own.log.get(Role.COMPANION, prediction)
    return MappingProxyType({Role(role): line for role, line in lines.items()})


def remedy_lines(preset: Preset | None) -> Mapping[str, str]:
    """Return the code of each remedy in this library, in its framework's where it has no way of its own."""
    general, own = _lines(preset)
    return MappingProxyType({**general.remedies, **own.remedies})


def _lines(preset: Preset | None) -> tuple[Lines, Lines]:
    framework = preset.framework if preset else Framework.TORCH
    return presets()[GENERAL].frameworks[framework], preset.lines if preset else Lines()


@cache
def presets() -> Mapping[str, Preset]:
    """Load every preset, by name."""
    folder = resources.files("spikediag.parser") / "presets"
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    loaded = [_preset(tomllib.loads(text)) for text in texts]
    return {preset.name: preset for preset in sorted(loaded, key=lambda preset: preset.name)}


def _preset(table: Mapping[str, object]) -> Preset:
    match table:
        case {"name": str(name), "rule": list(rules), **others} if others.keys() <= OPTIONAL | LINES:
            return Preset(
                name,
                tuple(re.compile(p) for p in _list(others.get("recognise"))),
                tuple(_rule(rule) for rule in rules),
                StepUnit(str(others.get("step_unit", StepUnit.STEP))),
                tuple(_company(**company) for company in _tables(others.get("kind"))),
                Framework(str(others.get("framework", Framework.TORCH))),
                _lines_of(others),
                {f: _lines_of(_table(others[f])) for f in Framework if f in others},
            )
    raise ValueError(f"A preset has a name, rules, and at most {sorted(OPTIONAL | LINES)}: {sorted(table)}")


def _company(of: str, beside: list[str], kind: str) -> Company:
    return Company(re.compile(of), tuple(re.compile(pattern) for pattern in beside), LossKind(kind))


def _lines_of(table: Mapping[str, object]) -> Lines:
    log = {str(k): str(v) for k, v in _table(table.get("log_lines")).items()}
    if unknown := log.keys() - {*Role, ACCURACY, PREDICTION}:
        raise ValueError(f"No role is called {sorted(unknown)}.")
    return Lines(log, {str(k): str(v) for k, v in _table(table.get("remedies")).items()})


def _rule(table: Mapping[str, str]) -> Rule:
    if unknown := table.keys() - ({"tag", *(f.name for f in fields(RoleAssignment))} - {"why"}):
        raise ValueError(f"A rule knows no {sorted(unknown)}: {table}")
    meaning = RoleAssignment(
        Role(table["role"]),
        Measure(table.get("measure", Measure.UNKNOWN)),
        Reduction(table.get("reduction", Reduction.UNKNOWN)),
        Transform(table.get("transform", Transform.NONE)),
        float(table.get("scale", 1.0)),
        table.get("reason", ""),
        bool(table.get("refine", False)),
        LossKind(table.get("kind", LossKind.UNKNOWN)),
    )
    return Rule(table["tag"], meaning)


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _tables(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
