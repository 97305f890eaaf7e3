"""The exceptions that are written for a person."""


class UserError(Exception):
    """Something the user can correct; its text gives the value received, what is allowed and the next step.

    The command line prints it without a traceback and pages show it in place of their content.
    """


class AwayError(UserError):
    """A file that cannot be found or read just now: its drive, its share or its permission may come back, and what is
    known of it stays.
    """
