"""The version, known without installation metadata, so that a source tree runs as it stands."""

VERSION = "0.2.0"
