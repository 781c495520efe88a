"""What a user can put right: one line on standard error, exit status 2, no traceback."""


class InputError(Exception):
    """Names the file, column or option, what was expected, and what came."""
