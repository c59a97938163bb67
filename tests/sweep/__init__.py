"""Tests of scans of many runs."""
