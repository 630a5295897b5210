"""Pulls media to S3, checks it and settles each medium with an outcome."""
