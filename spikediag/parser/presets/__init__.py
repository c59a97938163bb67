"""What each library calls things, as one TOML file per library; `general.toml` is for all others."""
