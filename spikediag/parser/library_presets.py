"""What each library calls its quantities: one preset each, `presets/*.toml`, recognised by its tags."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType

from spikediag.model import Measure, Reduction, Role, StepUnit, Transform

GENERAL = "general"
OPTIONAL = {"recognise", "step_unit", "log_lines"}  # of a preset
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
class Preset:
    """One library."""

    name: str
    recognise: tuple[re.Pattern[str], ...]  # over tags as written; each must match some tag
    rules: tuple[Rule, ...]
    step_unit: StepUnit = StepUnit.STEP
    log_lines: Mapping[Role, str] = field(default_factory=dict)

    def fits(self, tags: Iterable[str]) -> bool:
        """Whether a run with these tags was written by this library."""
        known = tuple(tags)
        return bool(self.recognise) and all(any(p.fullmatch(tag) for tag in known) for p in self.recognise)


def normalise(tag: str) -> str:
    """Write a tag in the one way that rules are written for: `Loss / Policy loss` -> `loss_policy_loss`."""
    return SEPARATORS.sub("_", tag.lower()).strip("_")


def recognise(tags: Iterable[str]) -> Preset | None:
    """Find the library that uses these tags; the most demanding preset wins."""
    known = tuple(tags)
    fitting = [preset for preset in presets().values() if preset.fits(known)]
    return max(fitting, key=lambda preset: (len(preset.recognise), preset.name), default=None)


def log_lines(preset: Preset | None) -> Mapping[Role, str]:
    """Return how a library logs what is missing; plain TensorBoard where it has no way of its own."""
    own = preset.log_lines if preset else {}
    return MappingProxyType({**presets()[GENERAL].log_lines, **own})


@cache
def presets() -> Mapping[str, Preset]:
    """Load every preset, by name."""
    folder = resources.files("spikediag.parser") / "presets"
    texts = [entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")]
    loaded = [_preset(tomllib.loads(text)) for text in texts]
    return {preset.name: preset for preset in sorted(loaded, key=lambda preset: preset.name)}


def _preset(table: Mapping[str, object]) -> Preset:
    match table:
        case {"name": str(name), "rule": list(rules), **others} if others.keys() <= OPTIONAL:
            return Preset(
                name,
                tuple(re.compile(p) for p in _list(others.get("recognise"))),
                tuple(_rule(rule) for rule in rules),
                StepUnit(str(others.get("step_unit", StepUnit.STEP))),
                {Role(str(k)): str(v) for k, v in _table(others.get("log_lines")).items()},
            )
    raise ValueError(f"A preset has a name, rules, and at most {sorted(OPTIONAL)}: {sorted(table)}")


def _rule(table: Mapping[str, str]) -> Rule:
    if unknown := table.keys() - {"tag", *(f.name for f in fields(RoleAssignment))}:
        raise ValueError(f"A rule knows no {sorted(unknown)}: {table}")
    meaning = RoleAssignment(
        Role(table["role"]),
        Measure(table.get("measure", Measure.UNKNOWN)),
        Reduction(table.get("reduction", Reduction.UNKNOWN)),
        Transform(table.get("transform", Transform.NONE)),
        float(table.get("scale", 1.0)),
        table.get("reason", ""),
        bool(table.get("refine", False)),
    )
    return Rule(table["tag"], meaning)


def _list(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _table(value: object) -> Mapping[object, object]:
    return value if isinstance(value, dict) else {}
