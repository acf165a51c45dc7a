"""What the tables show: pure functions from a `Snapshot` to rows, which know no widget."""
