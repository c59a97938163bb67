"""Runs are diagnosed once a session: the tests of commands ask what is made of a diagnosis."""

import pytest

from spikediag import pipeline
from tests.conftest import diagnosed_once


@pytest.fixture(autouse=True)
def known_diagnoses(monkeypatch):
    monkeypatch.setattr(pipeline, "diagnose", diagnosed_once)
