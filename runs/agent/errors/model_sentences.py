"""What errors of models, of their servers and of their names say."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence

# A reply, within its limits
CANCELLED_ITSELF: Final = ErrorSentence("%(model)s ended its reply with a CancelledError of its own.")
ENDED_BY: Final = ErrorSentence("%(model)s ended its reply with %(error)s.")
NOTHING_SENT: Final = ErrorSentence("%(model)s gave an empty reply: no text and no tool call.")
NOT_REACHED: Final = ErrorSentence("%(server)s could not be reached: %(message)s")

# A request that is not sent now
ASKED_TO_WAIT: Final = ErrorSentence("%(provider)s asked to wait another %(wait_s)s s. No request was sent.")
ASKED_TOO_LONG: Final = ErrorSentence(
    "%(provider)s asked to wait another %(wait_s)s s, longer than this run can wait. No request was sent."
)
WAIT_ENDED: Final = ErrorSentence(
    "%(provider)s asked to wait another %(wait_s)s s, and a person ended the wait. No request was sent."
)
BREAKER_OPEN: Final = ErrorSentence(
    "%(model)s failed most of its last calls, so it is not asked for another %(wait_s)s s. No request was sent."
)

# Why there is no further attempt
ASKS_TOO_LONG: Final = ErrorSentence("The provider asked to wait %(asked_s)s s; a run waits at most %(most_s)s s.")
AFTER_THE_END: Final = ErrorSentence("The next attempt would start in %(wait_s)s s, after the end of the run's time.")
SAME_TWICE: Final = ErrorSentence("The same failure occurred twice, so another attempt would fail too.")
RETRIES_STOPPED: Final = ErrorSentence("A person stopped the retries.")
TOO_MANY_RETRIES: Final = ErrorSentence(
    "Too many of the last requests to %(provider)s were retries, so there is no further one now."
)
REPEATED: Final = ErrorSentence("%(message)s The request is repeated %(change)s.")

# What a server answered, or did not
ANSWERED: Final = ErrorSentence("%(server)s answered %(status)s: %(message)s")
REDIRECTED: Final = ErrorSentence(
    "%(server)s answered %(status)s: it redirects to %(address)s. That is the address to configure."
)
ANSWERED_WITH_PAGE: Final = ErrorSentence("%(server)s answered with %(message)s")
ANSWERED_WITH_ERROR: Final = ErrorSentence("%(server)s answered with an error in place of a reply: %(message)s")
REPLY_TOO_LATE: Final = ErrorSentence("%(server)s did not finish its reply in time.")
ANSWER_TOO_LATE: Final = ErrorSentence("%(server)s did not answer in time.")
CONNECTION_REFUSED: Final = ErrorSentence("connection refused")
CONNECTION_RESET: Final = ErrorSentence("connection reset")
NO_ANSWER_IN_TIME: Final = ErrorSentence("no answer in time")
NO_ROUTE: Final = ErrorSentence("no route to its host")
NO_NETWORK: Final = ErrorSentence("no network")
NO_TLS: Final = ErrorSentence("%(server)s does not speak TLS at this address, which begins with https: %(message)s")
BROKE_OFF: Final = ErrorSentence("%(server)s broke off the connection: %(message)s")
UNREADABLE: Final = ErrorSentence("%(server)s sent a reply that cannot be read: %(message)s")

# A request that cannot be sent
NOT_SENT: Final = ErrorSentence("No request was sent to %(model)s: %(message)s")

# A reply that cannot be used
CUT_OFF: Final = ErrorSentence(
    "The reply was cut off at its length limit before it had any text. "
    "A larger max_output_tokens leaves room for an answer."
)
CUT_OFF_BY: Final = ErrorSentence(
    "The reply was cut off at its length limit before it had any text (%(message)s). "
    "A larger max_output_tokens leaves room for an answer."
)
EMPTY_REPLY: Final = ErrorSentence("The reply is empty: no text and no tool call.")
EMPTY_REPLY_BY: Final = ErrorSentence("The reply is empty: no text and no tool call (%(message)s).")
REFUSED: Final = ErrorSentence("The model refused the reply.")
REFUSED_BY: Final = ErrorSentence("The model refused the reply (%(message)s).")
FILTERED: Final = ErrorSentence("The content filter stopped the reply.")
FILTERED_BY: Final = ErrorSentence("The content filter stopped the reply (%(message)s).")
NOT_PARSED: Final = ErrorSentence("The provider could not parse the model's reply.")
NOT_PARSED_BY: Final = ErrorSentence("The provider could not parse the model's reply (%(message)s).")
NOT_FINISHED: Final = ErrorSentence("The provider could not finish the reply.")
NOT_FINISHED_BY: Final = ErrorSentence("The provider could not finish the reply (%(message)s).")
BROKEN_OFF: Final = ErrorSentence("The stream ended in the middle of the reply.")
FROM_SERVER: Final = ErrorSentence("%(server)s: %(message)s")
REPLY_TOO_LONG: Final = ErrorSentence("The reply is longer than %(most)s characters.")

# The offline planner
NO_RESULT_FITS: Final = ErrorSentence("its rules have no result that fits the JSON Schema of the answer")
NOT_IN_FORM: Final = ErrorSentence(
    "The offline planner cannot answer in the form asked for: %(message)s. Use a real model for this."
)

# A model that cannot be used
UNKNOWN_MODEL: Final = ErrorSentence(
    "Unknown model %(model)s: offline, openai:<name>, anthropic:<name>, google:<name>, or <server>/<model> for a "
    "server named in AGENTSITE_ENDPOINTS."
)
NEEDS_KEY: Final = ErrorSentence("The model %(model)s needs a key: set the environment variable %(variables)s.")
UNLISTED: Final = ErrorSentence("Unknown model %(model)s: the server %(server)s has %(names)s.")
UNLISTED_OF_MANY: Final = ErrorSentence(
    "Unknown model %(model)s: the server %(server)s has %(names)s and %(count)s more.",
    plural="Unknown model %(model)s: the server %(server)s has %(names)s and %(count)s more.",
)
LIST_UNREAD: Final = ErrorSentence("%(message)s Its own list could not be read: %(fault)s.")
NOT_RUNNING: Final = ErrorSentence("The model %(model)s is not running: start it with `make local-model`.")
NO_NAME: Final = ErrorSentence("%(name)s is not a model name: it %(fault)s.")
NAME_MEANT: Final = ErrorSentence("Unknown model %(model)s. Did you mean %(meant)s?")
NAME_FORMS: Final = ErrorSentence("Unknown model %(model)s. Write offline, %(hosted)s or SERVER/NAME.")

# The test of a model
TEST_TIMED_OUT: Final = ErrorSentence(
    "%(model)s did not complete the turn in %(limit_s)s s, the time limit of a test. A run waits as long as its own "
    "limits allow."
)
TEST_AGAIN: Final = ErrorSentence("Test it again: a server that had to load the model first is faster the second time")
