"""What the system costs, measured: beside peers, per message, at a rate, over time. `python -m bench --help`."""
