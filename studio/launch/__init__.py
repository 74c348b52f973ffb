"""Launchers: where a job folder runs."""
