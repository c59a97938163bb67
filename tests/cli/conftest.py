"""Runs are diagnosed once a session: the tests of commands ask what is made of a diagnosis."""

from dataclasses import replace

import pytest

from spikediag import pipeline

SAMPLES = {}  # diagnoses by the content of the files and the facts that were given


@pytest.fixture(autouse=True)
def diagnosed_once(monkeypatch):
    diagnose = pipeline.diagnose

    def remembered(run):
        facts = sorted((str(fact.name), repr(fact.value), fact.source) for fact in run.facts.values())
        key = (*(file.sha256 for file in run.files), *facts, *run.checkpoints)
        if key not in SAMPLES:
            SAMPLES[key] = diagnose(run)
        return replace(SAMPLES[key], run=run)

    monkeypatch.setattr(pipeline, "diagnose", remembered)
