"""The separate containerised workers and APIs; none imports another."""
