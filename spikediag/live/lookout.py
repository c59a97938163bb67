"""What is known of a training while it runs: its history, and looks at it with the engine of `analyze`.

A point costs a comparison (`attention`). A look takes the last points of one loss through the detectors;
where they say something new, the last points of every tag go through coupling, witnesses and attribution as
well, and what is found is an incident in a state (`incidents`). At the end all points go through the whole
pipeline: the same answer as from the log.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from spikediag import detectors, parser, pipeline
from spikediag.errors import NoLossError
from spikediag.live.alerts import Alert
from spikediag.live.attention import EVERY, Attention, Saw
from spikediag.live.history import History
from spikediag.live.incidents import Incidents, Look
from spikediag.model import Diagnosis, Role, Run, Series, Spike

WINDOW = 2048  # points of a tag that are looked at when something crossed a bound
WIDE = 8192  # points at a regular look
ROLES = 64  # points from which the roles of the tags are told
HIDDEN = 16  # steps after a gradient norm that is no number, at which a loss that stands still is looked for


@dataclass(frozen=True)
class Given:
    """What is known of a training beside its numbers; see `parser.run_from_log`."""

    name: str = "live"
    facts: Mapping[str, object] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    beside: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def run(self, points: Mapping[str, parser.Track]) -> Run:
        """These points as a run.

        Raises:
            UsageError: a fact, a role or `spikediag.toml` cannot be used.
        """
        return parser.run_from_log(
            points,
            facts=self.facts,
            roles=self.roles,
            name=self.name,
            beside=self.beside,
            hparams=self.settings,
        )


class Lookout:
    """Takes the numbers of a training step by step; says what is new.

    Args:
        given: What is known of the training beside its numbers.
        incidents: What has been told.
    """

    def __init__(self, given: Given, incidents: Incidents) -> None:
        self.given, self.incidents, self.history = given, incidents, History()
        self.step = -1
        self._losses: dict[str, Attention] = {}
        self._norms: frozenset[str] = frozenset()
        self._calls = 0
        self._tags = 0  # how many were known when roles were assigned
        self._roles_at = 0  # calls
        self._hidden_at = math.inf  # calls

    def add(self, step: int, numbers: Mapping[str, float], wall: float) -> list[Alert]:
        """Take the numbers of one step; return what is new.

        Args:
            step: Of the training.
            numbers: By tag.
            wall: Seconds since the epoch.
        """
        self.step, self._calls = step, self._calls + 1
        self.history.add(step, numbers, wall)
        new_tags = self.history.tag_count > self._tags
        if new_tags and (self._calls >= self._roles_at or not all(map(math.isfinite, numbers.values()))):
            self._assign_roles()
        alerts: list[Alert] = []
        for tag, one in self._losses.items():
            if tag not in numbers:
                continue
            one.waiting |= one.crossed(numbers[tag])
            if one.count >= one.read_at:
                one.read(self.history.recent(tag, WINDOW)[1])
            if one.waiting and self.incidents.raised(tag):
                one.waiting = False  # what crosses the bound belongs to it, and that is followed
            if one.due() or (not math.isfinite(numbers[tag]) and not self.incidents.is_lost):
                alerts += self._look(tag, one)
        return alerts + self._look_behind(numbers) if self._norms else alerts

    @property
    def is_blind(self) -> bool:
        """Whether it has just become clear that nothing of what is logged is understood as a loss."""
        return self._calls == ROLES and not self._losses

    def state_dict(self) -> dict[str, Any]:
        """The last points of every tag and what was told of them, as plain numbers and texts."""
        points = {
            tag: (*map(np.ndarray.tolist, self.history.recent(tag, WINDOW)),) for tag in self.history.tags
        }
        spans = [list(one.spans) for one in self.incidents.known]
        return {"step": self.step, "points": points, "told": spans}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what another process knew; what it told is not told again."""
        rows: dict[int, dict[str, float]] = {}
        for tag, (steps, values) in state["points"].items():
            for step, value in zip(steps, values, strict=True):
                rows.setdefault(step, {})[tag] = value
        for step, numbers in sorted(rows.items()):
            self.history.add(step, numbers, math.nan)
        self.step = int(state["step"])
        self.incidents.told_before = [tuple((int(a), int(b)) for a, b in spans) for spans in state["told"]]
        self._assign_roles()

    def finish(self) -> tuple[Diagnosis | None, list[Alert]]:
        """Diagnose the whole training; return that, and what is new; nothing where nothing is a loss."""
        if not self.history.tag_count:
            return None, []
        try:
            whole = self.diagnosis()
        except NoLossError:
            return None, []
        look = Look(whole.findings, whole.run, self.step, self._points, final=True)
        return whole, self.incidents.update(look)

    def diagnosis(self) -> Diagnosis:
        """What `analyze` says of everything that was logged by now.

        Raises:
            NoLossError: no tag is understood as a loss.
            UsageError: a fact, a role or `spikediag.toml` cannot be used.
        """
        run, note = self.given.run(self.history.tracks()), self.history.note
        return pipeline.diagnose(replace(run, notes=(*run.notes, note)) if note else run)

    @property
    def _points(self) -> dict[str, int]:
        return {tag: self.history.points(tag) for tag in self._losses}

    def _assign_roles(self) -> None:
        run = self.given.run(self.history.window(ROLES))
        for loss in run.having(Role.LOSS):
            self._losses.setdefault(loss.tag, Attention(count=self.history.points(loss.tag) - 1))
        self._norms = frozenset(norm.tag for norm in run.having(Role.GRAD_NORM))
        self._tags = self.history.tag_count
        self._roles_at = self._calls + 2 * self._tags

    def _look(self, tag: str, one: Attention) -> list[Alert]:
        """Look at one loss; where its spikes say more than is known, at the whole run."""
        window = WIDE if one.count >= one.regular_at else WINDOW
        series = self._recent(tag, window)
        spikes, alerts = detectors.detect(series), list[Alert]()
        if self.incidents.news(spikes, series, one.count):
            alerts = self._look_at_all(window)
            self.incidents.nothing_of(spikes, series)
        one.looked(
            series.values,
            len(self._losses),
            Saw.NEW if alerts else self._saw(spikes, series),
            goes_on=self.incidents.go_on(tag),
        )
        return alerts

    def _saw(self, spikes: tuple[Spike, ...], series: Series) -> Saw:
        last = (spike for spike in spikes if spike.stop > len(series) - EVERY)
        return Saw.KNOWN if self.incidents.knows_any(last, series) else Saw.NOTHING

    def _recent(self, tag: str, count: int) -> Series:
        steps, values = self.history.recent(tag, count)
        track = parser.Track(steps, values, np.full(len(steps), np.nan))
        if not self.history.ordered(tag):
            track = parser.straighten(track).track
        beyond = np.abs(track.values) > pipeline.LARGEST
        tame = np.where(beyond, np.copysign(np.inf, track.values), track.values)
        return Series(tag, Role.LOSS, track.steps, tame, track.walls)

    def _look_at_all(self, window: int) -> list[Alert]:
        run, findings = pipeline.find(self.given.run(self.history.window(window)))
        return self.incidents.update(Look(findings, run, self.step, self._points))

    def _look_behind(self, numbers: Mapping[str, float]) -> list[Alert]:
        """Look at losses that stand still behind a gradient norm that is no number."""
        lost = any(not math.isfinite(numbers[tag]) for tag in self._norms if tag in numbers)
        if lost and self._hidden_at == math.inf:
            self._hidden_at = self._calls + HIDDEN
        if self._calls < self._hidden_at:
            return []
        self._hidden_at = self._calls + max(HIDDEN, self._calls // 2) if lost else math.inf
        return self._look_at_all(WINDOW)
