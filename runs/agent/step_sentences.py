"""What the steps of questions, decisions and races say."""

from typing import Final

from runs.agent.stored_sentences import StoredSentence


class StepSentence(StoredSentence):
    """A sentence of a step: one line of its content."""


# A question of a tool, and its answer
ASKS: Final = StepSentence("Asks a person: %(message)s")
ANSWERED: Final = StepSentence("%(name)s answered: %(message)s")
NOT_ANSWERED: Final = StepSentence("Nobody answered in time: %(tool)s fails.")
DEFAULT_TAKEN: Final = StepSentence("Nobody answered in time, so the answer is the default: %(message)s")

# A question about a call
WAITS_FOR_APPROVAL: Final = StepSentence("Waits for approval: %(call)s")
OUTCOME_UNKNOWN: Final = StepSentence(
    "Outcome unknown: %(message)s The call is not repeated unless a person decides so."
)

# Its answer
APPROVED: Final = StepSentence("%(name)s approved %(call)s")
APPROVED_CHANGED: Final = StepSentence("%(name)s approved, with other arguments, %(call)s")
APPROVED_BY_RULE: Final = StepSentence("Nobody decided in time: %(tool)s is approved, as the agent's rules say.")
DENIED: Final = StepSentence("%(name)s denied %(tool)s.")
DENIED_BY_RULE: Final = StepSentence("Nobody decided in time: %(tool)s is denied.")
UNDONE: Final = StepSentence("%(name)s took the approval of %(tool)s back.")
HAPPENED: Final = StepSentence("%(name)s says that %(tool)s happened.")
RUNS_AGAIN: Final = StepSentence("%(name)s says that %(tool)s did not happen: it runs again.")
RESULT_UNKNOWN: Final = StepSentence("A person confirmed that it happened. Its result is not known.")

# A race
ASKS_AT_ONCE: Final = StepSentence("Asks %(models)s at once.")
ASKS_ANOTHER: Final = StepSentence("%(model)s is slow to begin, so another is asked too: %(models)s.")
RACE_WON: Final = StepSentence("%(model)s won (%(count)s raced).", plural="%(model)s won (%(count)s raced).")
RACE_LOST: Final = StepSentence("None of %(models)s gave a reply.")

# An answer that did not fit the output schema
ASKED_AGAIN: Final = StepSentence("It is asked for again (%(n)s of %(most)s).")
LAST_ANSWER: Final = StepSentence("It was the last.")
