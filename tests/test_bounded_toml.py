"""TOML from anybody takes time that grows with its size."""

import time

import pytest

from spikediag.bounded_toml import parse_toml


@pytest.mark.parametrize("shape", ["{} = 1", "[{}]", "[[{}]]", "x = {{{} = 1}}", "x = 1\ny.{} = 2"])
def test_a_key_of_endless_parts_is_refused_at_once(shape: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValueError, match="has a key of more than 100 parts"):
        parse_toml(shape.format("a." * 100_000 + "a"))
    assert time.process_time() - begun < 1


def test_what_people_write_is_read() -> None:
    rule = "# " + "." * 200
    numbers = [k + 0.5 for k in range(500)]
    document = parse_toml(f"{rule}\n[tool.x]\na.b.c = {numbers}  {rule}\n")
    assert document == {"tool": {"x": {"a": {"b": {"c": numbers}}}}}
