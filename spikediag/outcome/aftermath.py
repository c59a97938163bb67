"""Does the jump matter? From the level after it, error and evaluation metrics, and what was saved before."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikediag.model import Aftermath, Finding, FloatArray, Measure, Role, Run, Series, Text, by_gravity, say
from spikediag.stats.scale import robust_sigma

LEVEL_POINTS = 33  # logged points a level is the median of
BACK_WITHIN = 0.25  # of the jump: closer counts as back
WORSE_SDS = 3.0  # standard deviations of the level that count as a change


@dataclass(frozen=True)
class _Sign:
    worse: bool | None
    text: Text


def judge(run: Run, findings: tuple[Finding, ...]) -> Aftermath:
    """Compare what was before the leading jump with what was after it; likewise others that did harm."""
    if not findings:
        return Aftermath(matters=None)
    main = by_gravity(findings)[0]
    signs = [_loss(run, main), *_around(run, main), *_harm_of_others(run, findings, main)]
    worse = [sign.worse for sign in signs if sign.worse is not None]
    informed = len(worse) > 1 or any(worse)
    matters = any(worse) if informed else None
    return Aftermath(matters, (*(sign.text for sign in signs), *_checkpoint(run, findings, main)))


def _loss(run: Run, main: Finding) -> _Sign:
    spike, series = main.spike, run.series[main.spike.tag]
    after = series.values[spike.stop : spike.stop + LEVEL_POINTS]
    after = after[np.isfinite(after)]
    if spike.end_step is None or not len(after):
        text = say("{tag} had not come back when the log ended.", tag=spike.tag)
        return _Sign(True, text)
    level = float(np.median(after))
    back = level - spike.baseline <= max(BACK_WITHIN * spike.height, WORSE_SDS * spike.noise)
    if back:
        text = say(
            "{tag} came back: {before:.4g} before, {after:.4g} after.",
            tag=spike.tag,
            before=spike.baseline,
            after=level,
        )
    else:
        text = say(
            "{tag} came back only in part: {before:.4g} before, {after:.4g} after.",
            tag=spike.tag,
            before=spike.baseline,
            after=level,
        )
    return _Sign(not back, text)


def _around(run: Run, finding: Finding) -> Iterator[_Sign]:
    spike = finding.spike
    last = spike.end_step if spike.end_step is not None else spike.onset_step
    for role in (Role.COMPANION, Role.REWARD):
        for series in run.having(role):
            sign = _compared(series, spike.onset_step, last)
            if sign is not None:
                yield sign


def _harm_of_others(run: Run, findings: tuple[Finding, ...], main: Finding) -> Iterator[_Sign]:
    for finding in findings:
        if finding is not main:
            for sign in _around(run, finding):
                if sign.worse:
                    text = say("{id}: {harm}", id=finding.id, harm=sign.text)
                    yield _Sign(True, text)


def _compared(series: Series, first: int, last: int) -> _Sign | None:
    finite = np.isfinite(series.values)
    before = series.values[finite & (series.steps < first)][-LEVEL_POINTS:]
    after = series.values[finite & (series.steps > last)][:LEVEL_POINTS]
    if min(len(before), len(after)) < 3:
        return None
    down = series.role is Role.COMPANION and series.measure is not Measure.ACCURACY  # where down is good
    low, high = float(np.median(before)), float(np.median(after))
    change = (high - low) if down else (low - high)
    worse = change > WORSE_SDS * _uncertainty(before, after) and change > 0.1 * abs(low)
    if worse:
        text = say(
            "{tag} is worse after it: {before:.4g} before, {after:.4g} after.",
            tag=series.tag,
            before=low,
            after=high,
        )
    else:
        text = say(
            "{tag} is no worse after it: {before:.4g} before, {after:.4g} after.",
            tag=series.tag,
            before=low,
            after=high,
        )
    return _Sign(worse, text)


def _uncertainty(before: FloatArray, after: FloatArray) -> float:
    """Standard error of the difference of two medians (1.25 sd / sqrt n for normal noise)."""
    return 1.25 * float(
        np.hypot(robust_sigma(before) / np.sqrt(len(before)), robust_sigma(after) / np.sqrt(len(after)))
    )


def _checkpoint(run: Run, findings: tuple[Finding, ...], main: Finding) -> Iterator[Text]:
    if not run.checkpoints:
        return
    onset = min(
        (f.spike.onset_step for f in findings if f.spike.end_step is None), default=main.spike.onset_step
    )
    earlier = [c for c in run.checkpoints if c.step <= onset]
    if not earlier:
        yield say("No checkpoint was saved before step {onset:,}.", onset=onset)
        return
    best = max(earlier, key=lambda c: c.step)
    yield say("The last checkpoint before it is {path} (step {step:,}).", path=best.path, step=best.step)
