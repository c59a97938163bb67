"""What goes with spiking across runs: one hypothesis for each setting that varies, and the one on the ratio.

Every run counts once, with its spikes and the points in which they were sought. Settings are permuted within
seeds where seeds repeat, since runs of one seed share their data and their beginning. What was asked is
adjusted for having been asked together (Holm), and where two settings change together it is said that no test
can tell them apart. A sweep shows what goes together; only settings that were dealt at random show a cause.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

import numpy as np

from spikediag.model import BATCH_SIZES, FactName, FloatArray, IntArray, Text, say
from spikediag.stats.count_regression import Counted, Permutation, RateRatio, permutation, profiled_ratio
from spikediag.stats.ranks import ranks
from spikediag.stats.rates import holm
from spikediag.sweep.row import Cell, Row
from spikediag.text import Value
from spikediag.wording.writer import verbatim

ALPHA = 0.05
HALF = 0.5  # batch over dataset, above which the loss of a small dataset is said to spike more
ABOVE_HALF = "ratio_above_half"
RATIO = "ratio"
TOGETHER, NEARLY = (
    0.95,
    0.7,
)  # multiple correlation of ranks from which settings cannot, or hardly, be told apart
LARGEST = 1000  # rate ratio that is told
LEVELS = 8  # values of a setting shown with their rates
NOT_SETTINGS = frozenset(  # a seed is a group, a length what happened; a batch counts as a whole
    {FactName.SEED.value, FactName.TRAIN_STEPS.value, FactName.EFFECTIVE_BATCH_SIZE.value}
)


class Answer(StrEnum):
    """What a sweep says of a hypothesis."""

    MORE = "more"  # spikes at the higher value
    FEWER = "fewer"
    DIFFERENT = "different"  # of a setting without order
    NOT_SHOWN = "not_shown"
    CANNOT_TELL = "cannot_tell"  # the runs hold no contrast


@dataclass(frozen=True)
class SettingLevel:
    """The runs of one value of a setting."""

    value: str
    runs: int
    spikes: int
    rate: float  # per 10,000 points


@dataclass(frozen=True)
class Hypothesis:
    """Whether the rate of spikes goes with a setting."""

    id: str  # "ratio_above_half", or the name of a fact
    low: str  # its lowest value, or the first of one without order
    high: str
    ratio: RateRatio  # of the rate at the highest value over that at the lowest; NaN without order
    test: Permutation
    p_adjusted: float  # for all that were asked together
    within_seeds: bool
    levels: tuple[SettingLevel, ...]  # at most 8, the lowest first
    aliases: tuple[tuple[str, float], ...]  # settings that change together with it, and how closely
    answer: Answer
    reading: Text

    @property
    def significant(self) -> bool:
        """Whether it is shown."""
        return self.answer in {Answer.MORE, Answer.FEWER, Answer.DIFFERENT}


@dataclass(frozen=True)
class Across:
    """All that a sweep says across its runs, and of which runs."""

    hypotheses: tuple[Hypothesis, ...]
    runs: int  # that were counted
    decoupled_only: bool  # else spikes of every kind, as no run logs an error metric
    notes: tuple[Text, ...]

    @property
    def tested(self) -> tuple[Hypothesis, ...]:
        """Those to which the runs hold an answer."""
        return tuple(one for one in self.hypotheses if one.answer is not Answer.CANNOT_TELL)

    @property
    def told(self) -> tuple[Text, ...]:
        """What a table of those tested leaves to say: on the ratio, on what cannot be told, and caveats."""
        said = (one.reading for one in self.hypotheses if one.id == ABOVE_HALF or one not in self.tested)
        pairs: dict[frozenset[str], Text] = {}
        for one in (one for one in self.tested if one.id != ABOVE_HALF):
            for other, closeness in one.aliases:
                pairs.setdefault(frozenset((one.id, other)), _alias(one.id, other, closeness))
        return (*said, *pairs.values(), *self.notes)


def across(rows: Iterable[Row]) -> Across:
    """Ask for each setting that varies whether spikes go with it, the ratio of batch to dataset first."""
    judged = [row for row in rows if row.judged and row.points]
    distinct = list({row.content: row for row in reversed(judged)}.values())[::-1]
    decoupled_only = any(row.decoupled is not None for row in distinct)
    runs = [row for row in distinct if row.decoupled is not None or not decoupled_only]
    what = say("decoupled spikes") if decoupled_only else say("spikes")
    counts = {id(run): (run.decoupled or 0) if decoupled_only else run.spikes for run in runs}
    settings = list(_settings(runs))
    asked = [_asked(setting, [counts[id(run)] for run in setting.runs], what) for setting in settings]
    questions = {
        s.id: s.question
        for s, one in zip(settings, asked, strict=True)
        if one.answer is not Answer.CANNOT_TELL
    }
    chances = {questions[one.id]: one.test.p for one in asked if one.id in questions}
    adjusted = dict(zip(chances, holm(list(chances.values())), strict=True))
    told = tuple(
        _told(one, adjusted[questions[one.id]], what) if one.id in questions else one for one in asked
    )
    notes = tuple(_notes(judged, distinct, runs, len(chances)))
    return Across(told, len(runs), decoupled_only, notes)


@dataclass(frozen=True, eq=False)
class _Setting:
    """A setting of the runs that state it."""

    id: str
    values: tuple[Cell, ...]
    runs: tuple[Row, ...]
    others: tuple[tuple[str, tuple[Cell, ...]], ...]  # the other settings of the same runs

    @property
    def numeric(self) -> bool:
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    @property
    def distinct(self) -> list[Cell]:
        """Its values, in order."""
        return sorted(set(self.values), key=lambda v: (v if self.numeric else 0, str(v)))

    @property
    def question(self) -> tuple[bytes, ...]:
        """What its test asks: settings that change as one, either way round, ask the same and count once."""
        codes = (code.round(9).tobytes() for code in (self.codes + 0.0, 1.0 - self.codes))
        return (min(codes), *(run.content.encode() for run in self.runs))

    @property
    def codes(self) -> FloatArray:
        """Numbers from 0, the lowest, to 1, the highest, by their logarithms where all are above 0."""
        if not self.numeric:
            return np.array([self.distinct.index(v) for v in self.values], dtype=float)
        numbers = np.array(self.values, dtype=float)
        numbers = np.log(numbers) if (numbers > 0).all() else numbers
        codes: FloatArray = (numbers - numbers.min()) / (np.ptp(numbers) or 1.0)
        return codes


def _settings(runs: Sequence[Row]) -> Iterator[_Setting]:
    """The ratio above one half where it is known, then every fact that varies and is no other's double."""
    known = [run for run in runs if run.ratio is not None]
    if known:
        yield _setting(ABOVE_HALF, known, lambda run: run.ratio is not None and run.ratio > HALF)
    names = dict.fromkeys(name for run in runs for name in run.facts if name not in NOT_SETTINGS)
    readers: dict[str, Callable[[Row], Cell]] = {RATIO: lambda run: run.ratio}
    readers |= {name: partial(fact, name) for name in sorted(names)}
    columns: list[tuple[Cell, ...]] = []
    for name, read in readers.items():
        column = tuple(read(run) for run in runs)
        values: Counter[Cell] = Counter(value for value in column if value is not None)
        if len(values) > 1 and column not in columns and not _is_a_name(values):
            columns.append(column)
            yield _setting(name, [run for run in runs if read(run) is not None], read)


def fact(name: str, run: Row) -> Cell:
    """What a run states; of the batch what all workers and accumulation steps make of it."""
    names = BATCH_SIZES if name == FactName.BATCH_SIZE.value else (name,)
    return next((run.facts[one] for one in names if run.facts.get(one) is not None), None)


def _is_a_name(values: Counter[Cell]) -> bool:
    """Whether words differ from run to run, as names do."""
    return any(isinstance(v, str) for v in values) and 2 * len(values) > values.total()


def _setting(name: str, runs: Sequence[Row], read: Callable[[Row], Cell]) -> _Setting:
    ids = dict.fromkeys(n for run in runs for n in run.facts if n not in NOT_SETTINGS and n != name)
    others = {n: tuple(fact(n, run) for run in runs) for n in ids}
    if name not in {RATIO, ABOVE_HALF}:
        others[RATIO] = tuple(run.ratio for run in runs)
    kept = tuple((n, v) for n, v in others.items() if None not in v and len(set(v)) > 1)
    return _Setting(name, tuple(read(run) for run in runs), tuple(runs), kept)


def _asked(setting: _Setting, counts: Sequence[int], what: Text) -> Hypothesis:
    """The hypothesis on one setting, before it is known what else was asked."""
    events, exposures = np.array(counts, dtype=float), np.array([run.points for run in setting.runs], float)
    groups = _seeds(setting)
    counted = Counted(
        events, exposures, setting.codes, np.zeros(len(events), int) if groups is None else groups
    )
    ordered = setting.numeric or len(setting.distinct) == 2
    nothing = RateRatio(math.nan, math.nan, math.nan, math.nan)
    found = Hypothesis(
        id=setting.id,
        low=_written(setting.distinct[0]),
        high=_written(setting.distinct[-1]),
        ratio=profiled_ratio(counted) if ordered else nothing,
        test=permutation(counted, ordered=ordered),
        p_adjusted=1.0,
        within_seeds=groups is not None,
        levels=tuple(_levels(setting, counts)),
        aliases=tuple(_aliases(setting)),
        answer=Answer.NOT_SHOWN,
        reading=NOTHING,
    )
    why = _cannot_tell(setting, counted, what)
    return found if why is None else replace(found, answer=Answer.CANNOT_TELL, reading=why)


NOTHING = say("")
SIDES = (say("at most half"), say("more than half"))


def _seeds(setting: _Setting) -> IntArray | None:
    """The seed of each run as a group; None where that would leave most runs alone or without a contrast."""
    seeds = [run.facts.get(FactName.SEED.value) for run in setting.runs]
    if None in seeds:
        return None
    _, groups = np.unique([str(seed) for seed in seeds], return_inverse=True)
    contrast = [len(set(setting.codes[groups == g].tolist())) > 1 for g in range(groups.max() + 1)]
    return groups if 2 * sum(np.array(contrast)[groups]) >= len(groups) else None


def _cannot_tell(setting: _Setting, counted: Counted, what: Text) -> Text | None:
    """Why the runs hold no contrast; None where they do."""
    name = setting_name(setting.id)
    if len(setting.distinct) == 1:
        side = SIDES[setting.values[0] is True]
        return say(
            "{name}: it is {side} in every run that states both, {runs} in all; runs on the other side would "
            "tell.",
            name=name,
            runs=len(setting.runs),
            side=side,
        )
    if not counted.events.sum():
        return say(
            "{name}: none of {runs} runs has {spikes}.", name=name, runs=len(setting.runs), spikes=what
        )
    seeds = [str(run.facts.get(FactName.SEED.value)) for run in setting.runs]
    by_seed = {
        seed: {v for v, s in zip(setting.values, seeds, strict=True) if s == seed} for seed in set(seeds)
    }
    repeated = "None" not in by_seed and len(by_seed) < len(seeds)
    if repeated and all(len(values) == 1 for values in by_seed.values()):
        return say("{name}: it changes with the seed only, so that the two cannot be told apart.", name=name)
    return None


def _levels(setting: _Setting, counts: Sequence[int]) -> Iterator[SettingLevel]:
    every = setting.distinct
    shown = (
        every
        if len(every) <= LEVELS
        else [every[round(n * (len(every) - 1) / (LEVELS - 1))] for n in range(LEVELS)]
    )
    for value in shown:
        chosen = [n for n, v in enumerate(setting.values) if v == value]
        spikes, points = sum(counts[n] for n in chosen), sum(setting.runs[n].points for n in chosen)
        yield SettingLevel(_written(value), len(chosen), spikes, 1e4 * spikes / points)


def _aliases(setting: _Setting) -> Iterator[tuple[str, float]]:
    """The other settings that change together with it, the closest first."""
    if len(setting.distinct) < 2:
        return
    own = _features(setting.values)
    found = [(name, _together(own, _features(values))) for name, values in setting.others]
    yield from sorted(((n, c) for n, c in found if c >= NEARLY), key=lambda one: (-one[1], one[0]))


def _features(values: Sequence[Cell]) -> FloatArray:
    """Ranks of numbers; of words a column for each; centred, (n, k)."""
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        table = ranks(np.array(values, dtype=float))[:, None]
    else:
        table = np.array([[v == one for one in dict.fromkeys(values)] for v in values], dtype=float)
    centred: FloatArray = table - table.mean(axis=0)
    return centred


def _together(one: FloatArray, other: FloatArray) -> float:
    """The larger of the two multiple correlations by which one foretells the other."""

    def foretold(given: FloatArray, asked: FloatArray) -> float:
        fit = given @ np.linalg.lstsq(given, asked, rcond=None)[0]
        return math.sqrt(min(1.0, float(np.sum(fit**2) / np.sum(asked**2))))

    return max(foretold(one, other), foretold(other, one)) if len(one) > 2 else 1.0


def _told(found: Hypothesis, p: float, what: Text) -> Hypothesis:
    """The hypothesis with its answer, now that it is known how much was asked."""
    shown = p <= ALPHA
    if math.isnan(found.ratio.value):
        answer = Answer.DIFFERENT if shown else Answer.NOT_SHOWN
    else:
        more = Answer.MORE if found.ratio.value > 1 else Answer.FEWER
        answer = more if shown else Answer.NOT_SHOWN
    told = replace(found, p_adjusted=p, answer=answer)
    return replace(told, reading=_reading(told, what))


def _reading(found: Hypothesis, what: Text) -> Text:
    tests: dict[str, Value] = {
        "name": setting_name(found.id),
        "answer": ANSWERS[found.answer],
        "spikes": what,
        "p": found.test.p,
        "adjusted": found.p_adjusted,
        "way": WITHIN[found.within_seeds],
    }
    if math.isnan(found.ratio.value):
        said = say(
            "{name}: {answer}. {spikes} per 10,000 points: {rates}; p {p:.2g}, adjusted {adjusted:.2g} "
            "({way}).",
            rates=", ".join(f"{level.value} {level.rate:.3g}" for level in found.levels),
            **tests,
        )
    else:
        low, high = SIDES if found.id == ABOVE_HALF else (found.low, found.high)
        said = say(
            "{name}: {answer}. {ratio} times as many {spikes} with {high} as with {low} "
            "(95 % interval {least} to {most}); p {p:.2g}, adjusted {adjusted:.2g} ({way}).",
            ratio=verbatim(_times(found.ratio.value)),
            least=verbatim(_times(found.ratio.low)),
            most=verbatim(_times(found.ratio.high)),
            low=low,
            high=high,
            **tests,
        )
    for name, closeness in found.aliases[:1]:
        said = say("{said} {alias}", said=said, alias=_alias(found.id, name, closeness))
    return said


def _alias(one: str, other: str, closeness: float) -> Text:
    names = {"one": setting_name(one), "other": setting_name(other)}
    if closeness >= TOGETHER:
        return say(
            "{one} and {other} change together (correlation {closeness:.2f}): this sweep cannot tell them "
            "apart.",
            closeness=closeness,
            **names,
        )
    return say(
        "{one} and {other} change much alike (correlation {closeness:.2f}): this sweep hardly tells them "
        "apart.",
        closeness=closeness,
        **names,
    )


TITLE = say("What goes with spiking across these runs")
HEADS = (
    say("setting"),
    say("lowest"),
    say("highest"),
    say("rate ratio (95 %)"),
    say("p"),
    say("adjusted"),
    say("answer"),
)


def cells(found: Hypothesis) -> tuple[Text, ...]:
    """A hypothesis in a row, below `HEADS`; of a setting without order the lowest and the highest rate."""
    if math.isnan(found.ratio.value):
        least, *_, most = sorted(found.levels, key=lambda level: level.rate)
        low, high = (say("{value}", value=level.value) for level in (least, most))
        rates = {"least": least.rate, "most": most.rate}
        ratio = say("{least:.3g} to {most:.3g} per 10,000", **rates)
    else:
        values = (say("{value}", value=end) for end in (found.low, found.high))
        low, high = SIDES if found.id == ABOVE_HALF else values
        numbers = {name: verbatim(_times(getattr(found.ratio, name))) for name in ("value", "low", "high")}
        ratio = say("{value} ({low} to {high})", **numbers)
    chances = (say("{p:.2g}", p=p) for p in (found.test.p, found.p_adjusted))
    return (
        say("{setting}", setting=setting_name(found.id)),
        low,
        high,
        ratio,
        *chances,
        ANSWERS[found.answer],
    )


ANSWERS = {
    Answer.MORE: say("more spikes"),
    Answer.FEWER: say("fewer spikes"),
    Answer.DIFFERENT: say("different"),
    Answer.NOT_SHOWN: say("not shown"),
}
WITHIN = {True: say("permuted within seeds"), False: say("permuted over all runs")}


def _times(value: float) -> str:
    if value > LARGEST:
        return "∞" if value == math.inf else f"> {LARGEST:,}"
    return f"{value:.3g}"


def setting_name(setting: str) -> Text | str:
    """What a setting is called: a fact by its own name."""
    if setting == ABOVE_HALF:
        return say("batch > half of dataset")
    return say("batch / dataset") if setting == RATIO else setting


def _written(value: Cell) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _notes(
    judged: Sequence[Row], distinct: Sequence[Row], runs: Sequence[Row], tested: int
) -> Iterator[Text]:
    if len(judged) > len(distinct):
        yield say(
            "{count} of the runs hold the same losses as another and count once.",
            count=len(judged) - len(distinct),
        )
    if len(distinct) > len(runs):
        yield say(
            "{count} runs log no error metric, so that it is not known which of their spikes are decoupled; "
            "they are not counted here.",
            count=len(distinct) - len(runs),
        )
    if tested:
        yield say(
            "Spikes per point searched, each run judged by its own noise; {tested} hypotheses were asked "
            "together. What goes together need not be a cause.",
            tested=tested,
        )
