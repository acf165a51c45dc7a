"""The tabs of a container page, one a file."""
