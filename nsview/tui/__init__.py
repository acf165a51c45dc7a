"""The terminal UI: one screen or widget a file."""
