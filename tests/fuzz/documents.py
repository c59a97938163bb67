"""Settings, policies, baselines, configuration and console text: grammar pieces, joined and mutated."""

import random

WORDS = (
    "batch_size", "dataset_size", "lr", "gamma", "train", "check", "roles", "facts", "accepted", "schema",
    "tag", "kind", "steps", "height", "run", "expires", "min-height", "strict",
    "forbid-kinds", "trust-settings", "loss",
)  # fmt: skip
VALUES = (
    "1", "-1", "0.5", "1e999", "nan", "inf", "0x" + "f" * 300, "9" * 5000, "true", "'a'", '"b"',
    "[1, 2]", "{}", "[]", "{a: 1}", "2027-01-31", "'loss'", "[0, 10]", '"spikediag.baseline/1"', "null",
    "~", "&a 1", "*a",
    "!!int", "!!python/object/apply:os.system ['x']", "|\n  text", "1_000", "\ud800", "'" * 3,
)  # fmt: skip
SHAPES = (
    "{k} = {v}\n", "{k}: {v}\n", "[{k}]\n", "[[{k}]]\n", '"{k}" = {v}\n', "  {k}: {v}\n", "- {k}: {v}\n",
    '{{"{k}": {v}}}', "| {k} | {v} |\n", "- **{k}**: {v}\n", "Namespace({k}={v})", "{k}={v}, ", "<<: *a\n",
    "replay buffer size: {v}\n", "Num examples = {v}\n", "```\n", "\x00", "\t", "? ", "[{{", "}}]",
)  # fmt: skip


def text(rng: random.Random) -> str:
    """One to twelve lines, sometimes with a character changed."""
    parts = [
        rng.choice(SHAPES).format(k=rng.choice(WORDS), v=rng.choice(VALUES))
        for _ in range(rng.randrange(1, 13))
    ]
    whole = "".join(parts) * rng.choice((1, 1, 1, 30))
    if rng.random() < 0.3:
        at = rng.randrange(len(whole))
        whole = whole[:at] + chr(rng.randrange(0x250)) + whole[at + rng.randrange(3) :]
    return whole
