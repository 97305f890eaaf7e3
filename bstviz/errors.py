"""The one exception that is written for a person."""


class UserError(Exception):
    """Something the user can correct; its text gives the value received, what is allowed and the next step.

    The command line prints it without a traceback and pages show it in place of their content.
    """
