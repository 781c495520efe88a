"""X that is not in one place: blocks of rows, one after the other or on a cluster."""
