"""`spikediag log-lines`: what would log that which a diagnosis could not decide, in the code of the run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from spikediag.cli.facts import ActionDim, BatchSize, DatasetSize, OtherFacts, given
from spikediag.cli.runs import OneRun, Source, existing, quietly
from spikediag.cli.spoken import Lang, speak, words
from spikediag.cli.terminal import show_text
from spikediag.text import Text, say

if TYPE_CHECKING:
    from spikediag.model import Advice, Diagnosis, Run

OWN = "spikediag "  # a line for the shell, not for the training
RECORDER = "from spikediag.live import Recorder\nrecorder = Recorder({folder})\n"
TELL = say(
    "Tell of a spike when it happens, from the same names and numbers as are logged; what is made here is "
    "made once, before the training."
)
RECORD = say(
    "Keep what only the moment of a spike shows; every update, or every k-th if the probe costs too much."
)


def log_lines(
    path: OneRun,
    *,
    batch_size: BatchSize = None,
    dataset_size: DatasetSize = None,
    action_dim: ActionDim = None,
    fact: OtherFacts = None,
    source: Source = None,
    lang: Lang = None,
) -> None:
    """Print the lines to add to the training, in its own library, so that the next spike can be explained.

    One block of code with comments, for the clipboard or a file: what this log does not hold and the
    diagnosis asked for, and what tells and records a spike while it happens.
    """
    from spikediag.parser.finding import source_at

    speak(lang, path)
    facts = given(batch_size, dataset_size, action_dim, fact)
    diagnosis = quietly(source_at(existing(path), source), facts)
    run, missing = diagnosis.run, tuple(_missing(diagnosis))
    parts = [_part(advice.text, advice.code) for advice in missing]
    parts += [_part(TELL, _monitor(run)), _part(RECORD, _record(run))]
    show_text("\n".join(parts))


def _part(why: Text, code: str | None) -> str:
    """A comment that says why, and the code below it."""
    comment = "".join(f"# {line}\n" for line in words(why).splitlines())
    return comment if code is None else f"{comment}{code}\n"


def _missing(diagnosis: "Diagnosis") -> "Iterator[Advice]":
    """What the diagnosis asked for; then what no finding asked for and is not logged either, each once."""
    from spikediag.attribution import advice
    from spikediag.model import Role
    from spikediag.reporter import remedies

    run, seen = diagnosis.run, set[str]()
    roles = (Role.COMPANION, Role.GRAD_NORM, Role.LEARNING_RATE, Role.LOG_STD)
    unlogged = [role for role in roles if not any(run.having(role))]
    usual = (one for loss in run.having(Role.LOSS) for one in advice.to_log(run, loss, *unlogged))
    for one in (*remedies.what_to_log(diagnosis), *usual):
        key = one.code or str(one.text)
        if key not in seen and not key.startswith(OWN):
            seen.add(key)
            yield one


def _monitor(run: "Run") -> str:
    """What tells of a spike while it happens, as the library of the run takes it."""
    from spikediag.attribution import advice

    folder = repr(run.path)
    return RECORDER.format(folder=folder) + (advice.line(run, "monitor", folder=folder) or "")


def _record(run: "Run") -> str | None:
    """The line of the recorder: by action dimension where a loss has a sigma, else by sample."""
    from spikediag.attribution import advice
    from spikediag.model import Role

    by_dimension = any(run.has_sigma(loss) for loss in run.having(Role.LOSS))
    return advice.line(run, "record_dimensions" if by_dimension else "record_samples")
