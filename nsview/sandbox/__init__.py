"""Launch containers of our own: a root made of layers, namespaces, limits, a small init."""
