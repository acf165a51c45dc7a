"""Step into a container: a shell or a command in its namespaces, as confined as the container."""
