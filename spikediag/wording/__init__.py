"""Words on paper: languages, hostile strings, sentences and numbers."""
