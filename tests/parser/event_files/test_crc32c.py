"""The checksum agrees with its standard, at every length."""

import struct

import numpy as np
import pytest

from spikediag.parser.event_files import crc32c


def test_crc_agrees_with_the_standard() -> None:
    assert crc32c.crc_of(b"123456789") == 0xE3069283  # RFC 3720, the check value
    assert crc32c.crc_of(bytes(32)) == 0x8A9136AA  # RFC 3720, appendix B.4


@pytest.mark.parametrize("length", [1, 8, 255, 256, 257, 511, 512, 513, 5000])
def test_crc_of_any_length(length: int) -> None:
    payload = np.random.default_rng(length).bytes(length)
    stored = struct.pack("<I", crc32c.masked(payload))
    whole = b"abcde" + payload + stored
    assert crc32c.intact(whole, np.array([5]), np.array([length])).tolist() == [True]
    assert crc32c.intact(whole[:-1] + b"\x00", np.array([5]), np.array([length])).tolist() == [whole[-1] == 0]
