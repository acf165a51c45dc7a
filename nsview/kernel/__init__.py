"""What the kernel says: one module a kernel interface. Knows no container.

`parse_*` is pure (bytes in, values out); `read_*` does the input and output.
"""
