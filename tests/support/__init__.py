"""What tests stand on: real processes, real namespaces, real engines, all gone afterwards."""
