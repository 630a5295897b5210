"""One module a row of the table; each answers a `Row`."""
