"""Keeps the record: archives, parses and records what EUM Social and Connect emit."""
