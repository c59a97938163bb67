"""Page: the tables of `sample_runs/README.md`, rewritten from what was measured."""

import re
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from sample_runs.lab import randomised_page
from sample_runs.lab.collection import COLLECTION
from sample_runs.lab.configuration_places import ConfigurationPlace
from sample_runs.lab.main_jump import Moment
from sample_runs.lab.randomised_study import Trained
from sample_runs.lab.study import SETTINGS, Row
from sample_runs.lab.truth import Ids, ids


def rewrite(page: Path, rows: Sequence[Row], moments: Sequence[Moment], trainings: Sequence[Trained]) -> None:
    """Replace what stands between the markers `<!-- NAME -->` and `<!-- /NAME -->` of `page`."""
    text = page.read_text(encoding="utf-8")
    for name, table in (
        ("collection", _collection()),
        ("study", _study(rows)),
        ("main-jump", _main_jump(moments)),
        ("doses", randomised_page.doses(trainings)),
        ("remedied", randomised_page.remedied(trainings)),
    ):
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text, found = re.subn(pattern, lambda match, t=table: match[1] + t + match[2], text, flags=re.DOTALL)
        if not found:
            raise ValueError(
                f"{page} has no place for the table {name!r}: <!-- {name} --> ... <!-- /{name} -->"
            )
    page.write_text(text, encoding="utf-8")


def _collection() -> str:
    lines = ["| run | what was changed | to be found | loss tag | configuration |", "|---|---|---|---|---|"]
    for sample_run in COLLECTION:
        truth = sample_run.intervention.truth()
        expected = _ids(truth.primary_cause) if truth.scored else "not scored"
        tag = sample_run.dialect.tags["actor_loss"] + (" (TF2)" if sample_run.dialect.tensors else "")
        place = _place(sample_run.place)
        lines.append(f"| `{sample_run.name}` | {truth.intervention} | {expected} | `{tag}` | {place} |")
    return "\n".join(lines) + "\n"


def _ids(value: Ids) -> str:
    return " or ".join(f"`{name}`" for name in ids(value)) or "silence"


def _place(place: ConfigurationPlace) -> str:
    return (place.__doc__ or "").splitlines()[0].rstrip(".")


def _study(rows: Sequence[Row]) -> str:
    lines = [
        "| what was changed | N | batch / N | spikes | largest jump | noise | final loss | final mse |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for setting in SETTINGS:
        of = [row for row in rows if row.setting == setting]
        if not of:
            continue
        ratio = of[0].batch_size / of[0].dataset_size
        spikes = ", ".join(str(row.spikes) for row in of)
        jumps = ", ".join(f"{row.largest:.0f}" if row.spikes else "-" for row in of)
        ends = " | ".join(
            (
                f"{median(row.noise for row in of):.2f}",
                f"{median(row.loss for row in of):.1f}",
                f"{median(row.mse for row in of):.3f}",
            )
        )
        lines.append(f"| {setting} | {of[0].dataset_size:,} | {ratio:.1%} | {spikes} | {jumps} | {ends} |")
    return "\n".join(lines) + "\n"


def _main_jump(moments: Sequence[Moment]) -> str:
    """The updates into the worst of the moments, and the first ones out of it."""
    worst = max(range(len(moments)), key=lambda i: moments[i].dataset_loss)
    lines = [
        "| update | its batch | 98 % of other batches | all transitions | gripper | mse | min log-std |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {m.step:,} | {m.batch_loss:.1f} | {m.other_low:.1f} to {m.other_high:.1f} | {m.dataset_loss:.1f} "
        f"| {m.gripper_share:.0%} | {m.dataset_mse:.4f} | {m.log_std_min:.2f} |"
        for m in moments[max(0, worst - 6) : worst + 5]
    ]
    return "\n".join(lines) + "\n"
