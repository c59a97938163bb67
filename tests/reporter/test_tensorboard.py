"""The event file for TensorBoard."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from spikediag import reporter
from tests.reporter import builders


def opened(diagnosis, folder: Path) -> EventAccumulator:
    for artifact in reporter.render(diagnosis, ["tensorboard"]):
        (folder / artifact.name).write_bytes(artifact.content)
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def test_tensorboard_shows_the_verdict_as_text(tmp_path: Path) -> None:
    found = opened(builders.diagnosis(), tmp_path)
    assert found.PluginTagToContent("text").keys() == {"spikediag/verdict"}
    (event,) = found.Tensors("spikediag/verdict")
    text = event.tensor_proto.string_val[0].decode()
    assert "leapt by +39.1" in text
    assert "<img" not in text


def test_marks_lie_on_the_loss_itself(tmp_path: Path) -> None:
    found = opened(builders.diagnosis(), tmp_path)
    marks = {event.step: event.value for event in found.Scalars("bc/actor_loss")}
    loss = builders.seed_curves()["bc/actor_loss"]
    assert marks[15_280] == float(loss.values[1528].astype("float32"))
    assert len(marks) == 3 * 6
    shown = dict(zip(loss.steps.tolist(), loss.values.astype("float32").tolist(), strict=True))
    assert all(shown[step] == value for step, value in marks.items())


def test_a_calm_run_has_a_verdict_and_no_mark(tmp_path: Path) -> None:
    found = opened(builders.calm(), tmp_path)
    assert found.Tags()["scalars"] == []
    assert "spikediag/verdict" in found.Tags()["tensors"]
