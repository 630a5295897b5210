"""The operators' command line, `cdmx`."""
