"""What runs on the host: census, namespaces and why they live, PID map, containers."""
