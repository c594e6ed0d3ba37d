"""What refusals of OpenAPI documents say."""

from typing import Final

from runs.agent.errors.sentences import ErrorSentence

TOO_LARGE: Final = ErrorSentence("The document is larger than %(most)s MiB.")
NOT_UTF8: Final = ErrorSentence("The document is not text in UTF-8.")
NOT_JSON: Final = ErrorSentence("The document is not JSON: %(fault)s.")
NOT_YAML: Final = ErrorSentence("The document is neither JSON nor YAML: %(fault)s.")
TOO_DEEP: Final = ErrorSentence("The document is nested more than %(most)s levels deep.")
TOO_MANY_VALUES: Final = ErrorSentence("The document stands for more than %(most)s values.")
TOO_MUCH_MERGED: Final = ErrorSentence("The document merges more than %(most)s members by <<.")
NOT_FINITE: Final = ErrorSentence("The document has a number that is not finite.")
IN_ITSELF: Final = ErrorSentence("The document has an anchor that stands inside of what it names.")
NOT_OPENAPI: Final = ErrorSentence("This is not an OpenAPI document: it has no openapi field.")
SWAGGER: Final = ErrorSentence("This is a document of Swagger 2.0. Convert it to OpenAPI 3 first.")
OTHER_REVISION: Final = ErrorSentence("The document is of OpenAPI %(revision)s. 3.0 and 3.1 can be read.")
NO_OPERATIONS: Final = ErrorSentence("The document has no operations.")
NONE_AT_PREFIX: Final = ErrorSentence("The document has no operations whose paths begin so.")
