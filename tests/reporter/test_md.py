"""The Markdown report."""

import re
from dataclasses import replace

from spikediag import reporter
from spikediag.model import Artifact
from tests.reporter import builders


def written(diagnosis, lang="en") -> str:
    (artifact,) = reporter.render(diagnosis, ["md"], lang)
    assert artifact.name == "report.md"
    return artifact.content.decode()


def test_the_first_screen_answers_what_error_why_matters_and_next() -> None:
    head = written(builders.diagnosis()).split("## ")[0]
    for words in ("leapt by +39.1", "15,260", "inside the margin", "large batch", "**No.**", "42 to 83"):
        assert words in head


def test_every_picture_it_shows_is_one_that_png_draws(pictures: tuple[Artifact, ...]) -> None:
    names = {a.name for a in pictures}
    assert set(re.findall(r'src="([^"]+)"', written(builders.diagnosis()))) == names


def test_causes_stand_in_one_matrix_with_evidence_for_and_against() -> None:
    text = written(builders.diagnosis())
    assert "| cause | F2 | F1 |" in text
    assert "| large batch | supported | supported |" in text
    assert "- **large batch, for**: batch 256 of 418 samples is 61%, above 50%" in text
    assert "- **large batch, against**: A hard batch would raise" in text
    assert "Evidence on F1:" not in text  # the same as on F2


def test_facts_stand_with_source_confidence_and_conflict() -> None:
    text = written(builders.diagnosis())
    assert "| `dataset_size` | 418 | `train.log: bc replay buffer size` (confidence 90 %) |" in text
    assert "`420 (meta.json: total)`" in text


def test_skipped_checks_damage_and_notes_are_told() -> None:
    text = written(builders.diagnosis())
    assert "| loss-scale drop | no | The run does not carry what this check needs. |" in text
    assert "| `events.out.tfevents.1` | 412,000 | 331 | the last record is cut off |" in text
    assert "| 12 copies of records were dropped |" in text


def test_checks_and_series_of_which_the_same_is_said_share_a_row() -> None:
    whole = builders.searched()
    twin = replace(whole.searched[0], tag="twin")
    once = replace(
        whole, searched=(whole.searched[0], twin), list_checks=lambda: (builders.diagnosis().checks[0],) * 2
    )
    text = written(once)
    assert "| transient spike, transient spike | yes |" in text
    assert "| `loss`, `twin` | 2,000 |" in text


def test_tables_have_as_many_cells_in_every_row() -> None:
    for diagnosis in (builders.diagnosis(), builders.calm(), builders.hostile()):
        for table in re.findall(r"(?:^\|.*\n)+", written(diagnosis), flags=re.MULTILINE):
            cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(cells) == 1, table


def test_a_calm_run_gets_no_section_on_jumps() -> None:
    text = written(builders.calm())
    assert "**No loss jumped.**" in text
    assert "What it is not" not in text
    assert "### Causes" not in text


def test_the_command_repeats_facts_that_were_given() -> None:
    assert "spikediag analyze runs/given --action-dim 7 --fact beta2=0.99" in written(builders.given())


def test_a_log_line_is_no_remedy_and_commands_are_shell() -> None:
    text = written(builders.diagnosis())
    assert text.count("log_std_min") == 1
    assert "```sh\nspikediag analyze runs/bc\n```" in text


def test_the_command_of_a_chinese_report_writes_it_in_chinese() -> None:
    assert "spikediag analyze runs/bc --lang zh\n" in written(builders.diagnosis(), "zh")


def test_without_the_files_there_are_no_pictures() -> None:
    assert "<img" not in reporter.to_markdown(builders.diagnosis())


def test_a_crowd_of_findings_keeps_the_gravest_rows() -> None:
    small, big = builders.findings()
    crowd = tuple(replace(small, id=f"F{n}") for n in range(80))
    text = written(builders.diagnosis(found=(*crowd, replace(big, id="F99"))))
    rows = re.findall(r"^\| (F\d+) \| (?:train|transient)", text, flags=re.MULTILINE)
    assert len(rows) == 50
    assert "F99" in rows
    assert "31 smaller ones stand in the JSON report only." in text


def test_what_would_have_been_found_is_said_for_each_series() -> None:
    text = written(builders.searched())
    assert "`loss`: +0.18 for one point (18.0 sigma); +0.12 for 3 points (12.0 sigma); " in text
    assert "+0.05 for good (5.00 sigma), between steps 600 and 19,000. |" in text
    assert "| `eval/loss` | 6 | Not judged: 6 points are too few. |" in text


def test_losses_that_could_not_be_judged_stand_at_the_top() -> None:
    head = written(builders.searched()).split("## Appendix")[0]
    assert "| **Not judged** | `eval/loss`. 6 points are too few. |" in head


def test_what_ended_worse_and_what_would_tell_are_told() -> None:
    text = written(builders.mattering())
    assert "| F2 | `eval/return` | 200 | 20.0 | 150 | 210 | +40.0 … +80.0 | 21.0 | worse |" in text
    assert 'writer.add_scalar("eval/success", ok, step)' in text.split("## Appendix")[0]
    assert "What would tell whether it matters:\n\n- Log the success rate." in text


def test_a_test_of_the_error_says_where_it_moved_and_what_it_cannot_see() -> None:
    text = written(builders.mattering())
    assert "did not move, at 1 of 5 |" in text
    assert "`bc/normalized_mse` (held out) |" in text
    assert "did not move. It is a mean over 100 steps. |" in text
    assert "It lies in the last points of the log" in text
    assert "| train of spikes (5), usual for this loss |" in text
    assert "| transient spike, at the end of the log |" in text
