"""A root file system as a stack of directories: resolve, merge, diff, blame, waste, files."""
