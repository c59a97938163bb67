"""Facts from the command line."""

import pytest

from spikediag.cli.facts import given
from spikediag.errors import UsageError


def test_only_what_was_stated_is_given():
    assert given(256, None, 7, ["beta2=0.99", "schedule=cosine", "clip-norm=1e0", "amp=true"]) == {
        "batch_size": 256,
        "action_dim": 7,
        "beta2": 0.99,
        "schedule": "cosine",
        "clip_norm": 1.0,
        "amp": True,
    }


@pytest.mark.parametrize("fact", ["beta2", "=1", " =1"])
def test_a_fact_without_name_or_value_says_how_to_write_it(fact):
    with pytest.raises(UsageError, match="NAME=VALUE"):
        given(None, None, None, [fact])
