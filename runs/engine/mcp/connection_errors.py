"""What an error of a connection says, and what kind it is."""

from runs.engine.mcp.oauth.used_tokens import token_redactor


def words_of(error: BaseException) -> str:
    """What an error says, the first of a group, without tokens."""
    first = first_of(error)
    return token_redactor().text(str(first))[:500] or type(first).__name__


def first_of(error: BaseException) -> BaseException:
    """The first error in a group, however deep."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def is_transport_error(error: BaseException) -> bool:
    """True if a server at an address was not reached, or the connection broke."""
    from runs.engine.mcp.http_transport import BROKEN, NOT_SENT

    return getattr(error, "code", None) in (NOT_SENT, BROKEN)


def is_sign_in(error: BaseException) -> bool:
    """True if the server wants a sign-in."""
    from runs.engine.mcp.http_transport import NOT_SIGNED_IN

    return getattr(first_of(error), "code", None) == NOT_SIGNED_IN
