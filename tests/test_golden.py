"""The comparison of reports forgives rounding and nothing else."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests import golden

REPORT = {
    "loss": -14.8123,
    "steps": 15_510,
    "name": "F1",
    "says": "It rose by +38.9 nats at step 15,510 (86 %).",
}


def of_json(**changed: object) -> list[str]:
    kept, new = (json.dumps(document).encode() for document in (REPORT, REPORT | changed))
    return list(golden.of_files("report.json", kept, new))


def picture(*, curve: bool, shift: int = 0, height: int = 800) -> bytes:
    image = Image.new("RGB", (1200, height), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((80, 60 + shift, 1150, 740 + shift), outline="#8c959f")
    pen.text((100, 30 + shift), "actor loss, nats", fill="black")
    if curve:
        pen.line([(80 + 6 * x, 400 + shift + x % 40) for x in range(178)], fill="#1f5fa8", width=2)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "changed",
    [
        {"loss": -14.8123 * (1 + 1e-9)},
        {"says": "It rose by +38.8 nats at step 15,510 (86 %)."},
        {"says": "It rose by +38.9 nats at step 15,510 (87 %)."},
    ],
    ids=["ninth digit", "last printed digit", "one percent"],
)
def test_rounding_is_forgiven(changed: dict[str, object]) -> None:
    assert not of_json(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"loss": -14.82},
        {"loss": -15},
        {"steps": 15_511},
        {"name": "F2"},
        {"more": 1},
        {"says": "It rose by +38.7 nats at step 15,510 (86 %)."},
        {"says": "It rose by -38.9 nats at step 15,510 (86 %)."},
        {"says": "It rose by +38.9 nats at step 15,511 (86 %)."},
        {"says": "It fell by +38.9 nats at step 15,510 (86 %)."},
    ],
    ids=["number", "type", "count", "name", "key", "two digits", "sign", "step", "word"],
)
def test_everything_else_is_told(changed: dict[str, object]) -> None:
    assert of_json(**changed)


def test_a_line_more_is_told() -> None:
    assert list(golden.of_texts("one\ntwo\n", "one\n"))


def test_a_picture_that_is_a_few_pixels_off_is_the_same_picture() -> None:
    assert not list(golden.of_pictures(picture(curve=True), picture(curve=True, shift=2, height=801)))


@pytest.mark.parametrize(
    "other", [picture(curve=False), picture(curve=True, height=900)], ids=["curve", "size"]
)
def test_a_picture_without_the_curve_or_of_another_size_is_another(other: bytes) -> None:
    assert list(golden.of_pictures(picture(curve=True), other))
    assert list(golden.of_pictures(other, picture(curve=True)))


def test_a_file_more_is_told(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "report.md").write_text("same\n")
    assert not golden.differences(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / "report.json").write_text("{}")
    assert golden.differences(tmp_path / "one", tmp_path / "two")
