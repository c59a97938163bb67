"""Every language says everything: no sentence is missing, none is left over."""

import pytest

from spikediag.wording import language
from tests.wording.sentences import templates, worded

TRANSLATED = [code for code in language.available() if code != "en"]


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_sentence_is_translated(code: str) -> None:
    known = language.load(code).sentences
    missing = [f"{path}: {text}" for text, path in templates().items() if worded(text) and text not in known]
    assert not missing, f"to be added to languages/{code}.toml:\n" + "\n".join(missing)


@pytest.mark.parametrize("code", TRANSLATED)
def test_no_translation_is_left_over(code: str) -> None:
    said = templates()
    stale = [text for text in language.load(code).sentences if text not in said]
    assert not stale, f"to be taken out of languages/{code}.toml:\n" + "\n".join(stale)
