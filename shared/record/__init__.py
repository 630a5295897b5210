"""The one way to write and read the record."""
