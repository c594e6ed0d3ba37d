"""What refusals of files say."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence

TYPE_NOT_TAKEN: Final = ErrorSentence("Files of this type are not taken. These are: %(types)s.")
NOT_TEXT: Final = ErrorSentence("The name ends in .%(end)s, but the content is not text.")
OTHER_TYPE: Final = ErrorSentence("The name ends in .%(end)s, but the content is not of that type.")
DAMAGED: Final = ErrorSentence("The file is damaged and cannot be read.")
TOO_MANY_PIXELS: Final = ErrorSentence(
    "The picture has %(width)s by %(height)s pixels; at most %(most)s million are taken."
)
PROTECTED: Final = ErrorSentence("The file is protected by a password.")
UNPACKS_TO_TOO_MUCH: Final = ErrorSentence("The file unpacks to more than %(most)s MiB, or to too many parts.")
JOB_TIME: Final = ErrorSentence("It took more than %(seconds)s seconds and was stopped.")
JOB_CPU: Final = ErrorSentence("It took more than %(seconds)s seconds of processor time and was stopped.")
JOB_MEMORY: Final = ErrorSentence("It needs more than %(most)s MiB of memory and was stopped.")
JOB_ANSWER: Final = ErrorSentence("The result is longer than %(most)s MiB.")
JOB_ENDED: Final = ErrorSentence("It could not be read: its reader ended without an answer.")
JOBS_BUSY: Final = ErrorSentence("Too many files and scripts are being worked on. Try again in a minute.")
"""Of jobs in a sandbox, whatever they read."""
