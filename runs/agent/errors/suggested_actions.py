"""The suggested actions: what a person can do about an error."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence

LATER: Final = ErrorSentence("Wait a moment and run again, or use another model")
AGAIN_OR_ANOTHER: Final = ErrorSentence("Run again, or use another model")
LONGER_OR_SIMPLER: Final = ErrorSentence("Retry with longer timeout or simpler task")
LONGER_LIMIT: Final = ErrorSentence("Retry with a longer %(limit)s, or use another model")
AFTER_THE_PAUSE: Final = ErrorSentence("Wait until then and run again, or use another model")
KEY_OF: Final = ErrorSentence("Check the key of %(provider)s")
TOMORROW: Final = ErrorSentence("Wait until midnight UTC, or ask the staff to raise %(variable)s")
RAISE: Final = ErrorSentence("Raise %(limit)s and run again, or ask for less at once")
OTHER_WAY: Final = ErrorSentence(
    "Look at the repeated calls: change the task, the tools or the model, or resume with more repeats"
)
LOOSEN: Final = ErrorSentence("Run again, use another model, or loosen the agent's output schema")
KNOWN_PRICE: Final = ErrorSentence("Use a model whose price is known, or limit the tokens instead of the money")
TAKEN_OVER: Final = ErrorSentence("Nothing to do: another process continues the run")
AS_IT_SAYS: Final = ErrorSentence("Change the task as the message says, and run again")
SET_VARIABLE: Final = ErrorSentence("Set %(variable)s in the site's environment and restart it, or use another model")
SERVER_BACK: Final = ErrorSentence(
    "Put the server %(server)s back into AGENTSITE_ENDPOINTS and restart, or use another model"
)
CORRECT_NAME: Final = ErrorSentence("Correct the model's name, or use another model")
GIVE_TOOL: Final = ErrorSentence("Give the agent this tool, or rephrase the task")
CORRECTS_ITSELF: Final = ErrorSentence("Nothing to do: the model is told and can correct its call")
TRIES_LATER: Final = ErrorSentence("Nothing to do: the model is told and can try it again later")
TRIES_ELSE: Final = ErrorSentence("Nothing to do: the model is told and can try something else")
SERVER_REACHABLE: Final = ErrorSentence("Check that the model server is reachable, then run again")
TASK_AND_SETTINGS: Final = ErrorSentence("Check the task and the model's settings")
NAME_AND_ADDRESS: Final = ErrorSentence("Check the model's name and the address of its server")
KEY: Final = ErrorSentence("Check the key of the provider")
ASK_PROVIDER: Final = ErrorSentence(
    "Use another model, or ask the provider to enable this one for the key and the region"
)
ADD_CREDIT: Final = ErrorSentence("Add credit to the account at the provider, or raise its plan or quota")
SMALLER_WINDOW: Final = ErrorSentence("Set the agent's context_tokens to the model's window, or use a larger model")
NO_TOOLS: Final = ErrorSentence("Remove all tools from the agent (an empty list), or use another model")
BASE_URL: Final = ErrorSentence(
    "Check the server's base_url: the address before /chat/completions, which most servers want to end in /v1"
)
REPHRASE: Final = ErrorSentence("Rephrase the task: a content filter stopped it")
CHECK_INPUT: Final = ErrorSentence("Check input validation")
RETRY_OR_FALLBACK: Final = ErrorSentence("Retry or use fallback provider")
AGAIN: Final = ErrorSentence("Run again")
ALERT: Final = ErrorSentence("Log and alert engineering team")
