"""The address book: `cdmx contacts import` and `cdmx contacts unmerge`."""
