"""One module a container engine: recognise its cgroups, read its names and images from disk."""
