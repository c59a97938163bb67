"""The Markdown report."""

from spikediag import reporter
from tests.reporter import builders


def test_the_first_screen_answers_what_error_why_and_next() -> None:
    (artifact,) = reporter.render(builders.diagnosis(), ["md"])
    assert artifact.name == "report.md"
    head = artifact.content.decode().split("## 1.")[0]
    for words in ("+39.1 nats", "step 15,260", "inside the margin", "batch too large", "42 to 83"):
        assert words in head


def test_every_picture_it_shows_is_one_that_png_draws() -> None:
    artifacts = {a.name: a.content for a in reporter.render(builders.diagnosis(), ["md", "png"])}
    shown = [
        line.split("](")[1].rstrip(")")
        for line in artifacts["report.md"].decode().split("\n")
        if line.startswith("![")
    ]
    assert shown
    assert set(shown) == {name for name in artifacts if name.endswith(".png")}
