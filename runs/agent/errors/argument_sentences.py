"""The faults of arguments and answers, as our validation and the libraries behind it word them."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence
from runs.agent.stored_sentences import StoredSentence


class FaultSentence(StoredSentence):
    """What is wrong with one value, in a list of faults."""


DO_NOT_FIT: Final = ErrorSentence("The arguments of %(tool)s do not fit:\n%(faults)s")
NOT_AN_OBJECT: Final = ErrorSentence("The arguments of %(tool)s must be a JSON object, not %(value)s.")
NOT_AN_OBJECT_BECAUSE: Final = ErrorSentence(
    "The arguments of %(tool)s must be a JSON object, not %(value)s. The fault: %(message)s."
)
MORE_FAULTS: Final = FaultSentence("and %(count)s more", plural="and %(count)s more")
REQUIRED: Final = FaultSentence("is required")
NOT_KNOWN: Final = FaultSentence("is not known here; known are: %(names)s")
NONE_KNOWN: Final = FaultSentence("is not known here; known are: none")
TOO_MANY_DIGITS: Final = FaultSentence("is a whole number of more than %(digits)s digits")

# jsonschema's
JSON_SCHEMA: Final = (
    FaultSentence("%(value)s is not of type %(types)s"),
    FaultSentence("%(value)s is not one of %(choices)s"),
    FaultSentence("%(value)s was expected"),
    FaultSentence("%(value)s is less than the minimum of %(bound)s"),
    FaultSentence("%(value)s is less than or equal to the minimum of %(bound)s"),
    FaultSentence("%(value)s is greater than the maximum of %(bound)s"),
    FaultSentence("%(value)s is greater than or equal to the maximum of %(bound)s"),
    FaultSentence("%(value)s is not a multiple of %(bound)s"),
    FaultSentence("%(value)s should be non-empty"),
    FaultSentence("%(value)s is expected to be empty"),
    FaultSentence("%(value)s is too short"),
    FaultSentence("%(value)s is too long"),
    FaultSentence("%(value)s does not match %(pattern)s"),
    FaultSentence("%(value)s has non-unique elements"),
    FaultSentence("%(value)s does not have enough properties"),
    FaultSentence("%(value)s has too many properties"),
    FaultSentence("%(value)s is a required property"),
    FaultSentence("%(value)s is not valid under any of the given schemas"),
    FaultSentence("Additional properties are not allowed (%(names)s was unexpected)"),
    FaultSentence("Additional properties are not allowed (%(names)s were unexpected)"),
)

# pydantic's
PYDANTIC: Final = (
    FaultSentence("Field required"),
    FaultSentence("Extra inputs are not permitted"),
    FaultSentence("Input should be a valid integer"),
    FaultSentence("Input should be a valid integer, unable to parse string as an integer"),
    FaultSentence("Input should be a valid integer, got a number with a fractional part"),
    FaultSentence("Input should be a valid number"),
    FaultSentence("Input should be a valid number, unable to parse string as a number"),
    FaultSentence("Input should be a finite number"),
    FaultSentence("Input should be a valid string"),
    FaultSentence("Input should be a valid boolean"),
    FaultSentence("Input should be a valid boolean, unable to interpret input"),
    FaultSentence("Input should be a valid list"),
    FaultSentence("Input should be a valid array"),
    FaultSentence("Input should be a valid dictionary"),
    FaultSentence("Input should be an object"),
    FaultSentence("Input should be greater than %(bound)s"),
    FaultSentence("Input should be greater than or equal to %(bound)s"),
    FaultSentence("Input should be less than %(bound)s"),
    FaultSentence("Input should be less than or equal to %(bound)s"),
    FaultSentence("Input should be a multiple of %(bound)s"),
    FaultSentence("Input should be %(choices)s"),
    FaultSentence("String should match pattern %(pattern)s"),
    FaultSentence(
        "String should have at least %(count)s character", plural="String should have at least %(count)s characters"
    ),
    FaultSentence(
        "String should have at most %(count)s character", plural="String should have at most %(count)s characters"
    ),
)
