"""Policies and baselines that are nearly right: true keys with values of every type, at every place."""

import random
from dataclasses import fields

from spikediag.model import CouplingVerdict, Kind
from spikediag.policy import Policy

KEYS = tuple(f.name for f in fields(Policy))
NAMES = (*Kind, *CouplingVerdict, "batch-ratio", "unknown-thing", "", "\\u202e")
NUMBERS = (
    "0", "1", "-1", "0.5", "-0.0", "1e308", "5e-324", "inf", "-inf", "nan", "9" * 400, "-" + "9" * 4300,
    "9223372036854775808", "0x10", "1_0",
)  # fmt: skip
OTHERS = (
    "true",
    "false",
    '"text"',
    "'1'",
    "[]",
    "{}",
    "[[1]]",
    "[true]",
    "2027-01-31",
    "07:32:00",
    "[1, 'a']",
)
PLACES = {
    "spikediag.toml": ("check", "check.check", "roles", "chek", "facts", "losses"),
    "pyproject.toml": ("tool.spikediag", "tool.spikediag.check", "tool", "tool.spikediag.x", "project"),
    "ci.toml": ("check", "accepted", "tool.spikediag"),
}
ENTRY = ("run", "tag", "kind", "steps", "height", "count", "reason", "expires", "step")


def value(rng: random.Random) -> str:
    """A value of any type."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return rng.choice(OTHERS)
    names = [f'"{rng.choice(NAMES)}"' for _ in range(rng.randrange(3))]
    return f"[{', '.join(names)}]" if kind == 2 else f'"{rng.choice(NAMES)}"'


def policy(rng: random.Random, name: str) -> str:
    """A file that may hold a policy."""
    lines = []
    for table in rng.sample(PLACES[name], rng.randrange(1, 3)):
        if rng.random() < 0.1:
            lines.append(f"{table.replace('.', '_')} = {value(rng)}")
            continue
        lines.append(f"[{table}]" if rng.random() < 0.9 else f"[[{table}]]")
        keys = rng.sample(KEYS, rng.randrange(4))
        lines += (f"{key.replace('_', rng.choice('-_'))} = {value(rng)}" for key in keys)
        if rng.random() < 0.1:
            lines.append(f"{rng.choice(('min-hight', 'x', 'check', 'lang'))} = {value(rng)}")
    return "\n".join(lines)


def baseline(rng: random.Random) -> str:
    """A file that may be a baseline."""
    lines = ['schema = "spikediag.baseline/1"' if rng.random() < 0.95 else f"schema = {value(rng)}"]
    usual = {
        "run": '"*"', "tag": '"bc/actor_loss"', "kind": '"transient"', "steps": "[1, 20000]",
        "height": "40.0", "count": "1", "reason": '"known"', "expires": "2027-01-31", "step": "1",
    }  # fmt: skip
    for _ in range(rng.randrange(3)):
        lines.append("[[accepted]]" if rng.random() < 0.95 else "[accepted]")
        for key in ENTRY:
            if rng.random() < (0.02 if key == "step" else 0.95):
                odd = f"[{rng.choice(NUMBERS)}, {rng.choice(NUMBERS)}]" if key == "steps" else value(rng)
                lines.append(f"{key} = {usual[key] if rng.random() < 0.8 else odd}")
    return "\n".join(lines)
