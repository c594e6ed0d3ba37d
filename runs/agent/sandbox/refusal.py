"""What a job raises to refuse its input."""


class JobRefused(Exception):
    """The job cannot do what was asked. The message is for the caller: what is wrong with which input."""
