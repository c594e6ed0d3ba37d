"""What errors of tool calls and of whole runs say."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence

# A call of a tool
TOOL_TIMED_OUT: Final = ErrorSentence("%(tool)s timed out after %(seconds)s s (limit %(limit)s).")
MODEL_TRIES_AGAIN: Final = ErrorSentence("Nothing to do: the model is told and can try again")
TOOL_TIMED_OUT_UNKNOWN: Final = ErrorSentence(
    "%(tool)s timed out after %(seconds)s s (limit %(limit)s). We don't know whether it happened."
)
SERVER_STOPPED: Final = ErrorSentence("%(tool)s was started, and the server stopped before its result was recorded.")
CHECK_OUTCOME: Final = ErrorSentence("Check whether it happened before it is done again")
TOOL_BUSY: Final = ErrorSentence(
    "%(tool)s is busy: its limit of calls at once is %(most)s, and none ended within %(wait_s)s s. "
    "This call was not made."
)
TOOL_TOO_OFTEN: Final = ErrorSentence(
    "%(tool)s is called too often: its limit of calls in a minute is %(most)s, and the next one can be made in "
    "%(wait_s)s s. This call was not made."
)
CANNOT_WAIT: Final = ErrorSentence(
    "%(tool)s would have to wait, for a person for example, and nothing can wait here. Go on without it."
)
ASKED_TOO_OFTEN: Final = ErrorSentence("%(tool)s has asked %(count)s times in one call, which is the most.")
TOOL_ENDED_ITSELF: Final = ErrorSentence("The tool ended itself with %(error)s.")

# A run that its host could not finish
RUN_LOST: Final = ErrorSentence(
    "The run was ended because it was lost %(count)s time in a row without a new step: the process that worked on it "
    "died, or what it did could not be stored.",
    plural="The run was ended because it was lost %(count)s times in a row without a new step: the process that worked "
    "on it died, or what it did could not be stored.",
)
READ_THE_LOG: Final = ErrorSentence("Look in the log for the reason, then run it again.")
FROZE: Final = ErrorSentence(
    "The run was ended because it held its whole process: nothing else went on there until the process was ended. "
    "It is not resumed into the same."
)
FROZE_IN: Final = ErrorSentence(
    "The run was ended because it held its whole process in the tool %(tools)s: nothing else went on there until the "
    "process was ended. It is not resumed into the same."
)
FIND_THE_PLACE: Final = ErrorSentence(
    "Look in the log for where it stood; a tool that computes for long must not be a coroutine."
)

# A call that was not allowed, or was stopped
DENIED: Final = ErrorSentence("A person denied this call, it was not run.")
DENIED_BECAUSE: Final = ErrorSentence("A person denied this call, it was not run. They said: %(message)s")
NOT_APPROVED: Final = ErrorSentence("Nobody approved this call in time, it was not run.")
NOT_ANSWERED: Final = ErrorSentence("Nobody answered in time.")
ANSWER_LATER: Final = ErrorSentence("Answer it when the agent asks again, or say it in the task")
APPROVE_LATER: Final = ErrorSentence("Approve it when the agent asks again, or rephrase the task")
NO_RESULT: Final = ErrorSentence("Stopped before it gave a result.")
STOPPED_WHILE_IT_RAN: Final = ErrorSentence("Stopped while it ran: it may or may not have happened.")
STILL_UNKNOWN: Final = ErrorSentence("Outcome unknown: nobody has said whether it happened.")

# A call of another agent
NO_SUCH_AGENT: Final = ErrorSentence("There is no agent named %(agent)s any more. No run was launched.")
NOT_CALLABLE: Final = ErrorSentence("This run may not call the agent %(agent)s. No run was launched.")
AGENTS_IN_A_LOOP: Final = ErrorSentence(
    "The agents would call each other in a loop (%(agents)s). No run was launched: do it yourself, or call another "
    "agent."
)
TOO_DEEP: Final = ErrorSentence(
    "This run is %(count)s calls of agents deep, which is the most. No run was launched: do it yourself."
)
TOO_MANY_CHILDREN: Final = ErrorSentence(
    "The run and its child runs have launched %(count)s runs, which is the most (max_child_runs). "
    "No run was launched: do it yourself."
)
NOTHING_LEFT: Final = ErrorSentence(
    "The run has not enough left of its limit %(limit)s for another run. No run was launched: finish with what there "
    "is."
)
MAY_NOT_LAUNCH: Final = ErrorSentence("No run was launched: the owner of this run may not launch runs any more.")
NOT_LAUNCHED: Final = ErrorSentence("No run was launched: %(message)s")
RUN_STOPS: Final = ErrorSentence("No run was launched: this run has been asked to stop.")
CHILD_STOPPED: Final = ErrorSentence("The run of the agent %(agent)s was stopped before it answered.")
CHILD_STOPPED_BY: Final = ErrorSentence("The run of the agent %(agent)s was stopped by %(name)s before it answered.")
CHILD_FAILED: Final = ErrorSentence("The run of the agent %(agent)s failed: %(message)s")
