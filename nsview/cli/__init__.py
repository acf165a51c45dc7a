"""The commands: one module each, plain text for people and ``--json`` for scripts."""
