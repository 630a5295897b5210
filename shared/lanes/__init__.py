"""Owed work in order, one lane a destination and conversation."""
