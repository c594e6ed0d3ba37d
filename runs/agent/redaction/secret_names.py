"""Detection of the names of secrets in any spelling: `DB_PASS`, `dbPass`, `DBPASS`, `DB_PASS_2`, `db-passes`."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_WORDS = frozenset(
    [
        "auth",
        "authorization",
        "bearer",
        "connstr",
        "cookie",
        "cred",
        "credential",
        "creds",
        "dsn",
        "hmac",
        "jwt",
        "key",
        "mnemonic",
        "otp",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "pat",
        "pepper",
        "pin",
        "psk",
        "pw",
        "pwd",
        "salt",
        "secret",
        "seed",
        "sig",
        "signature",
        "sas",
        "token",
        "totp",
        "webhook",
    ]
)
"""A name with one of these words is the name of a secret."""
_GLUED = re.compile(
    r"passw|passphrase|secret|credential|apikey|webhook|cookie|mnemonic|(connection|conn)_?str"
    r"|(token|signature|passwd|pwd|(?<!by)(?<!com)(?<!tres)(?<!sur)(?<!over)(?<!under)pass)s?$"
    r"|(access|account|admin|app|auth|crypt|deploy|encryption|decryption|fernet|host|jwt|license|master|private|service"
    r"|session|shared|signing|ssh|ssl|storage|tls|user|write|read|aes|rsa|hmac|openai|anthropic|github|gitlab)key(data|s?)$"
)
"""Parts of compound words such as `mypassword`."""
_OF_NO_SECRET = frozenset(
    [
        "algorithm",
        "count",
        "dir",
        "domain",
        "enabled",
        "env",
        "file",
        "length",
        "method",
        "name",
        "path",
        "prefix",
        "size",
        "sock",
        "socket",
        "timeout",
        "ttl",
    ]
)
"""Last words of names that are not secrets themselves: their path, lifetime and the like."""
_PASSWORDS = re.compile(r"passw|passwd|pwd|passphrase|pass(es)?$|^pw$|^pin$")


def is_secret_name(name: str) -> bool:
    """True for the name of a variable, JSON member or parameter with a secret."""
    if name.lower() in {"pwd", "oldpwd"}:
        return False
    words = words_of(name)
    if not words or words[-1] in _OF_NO_SECRET or words[-2:] == ["url", "prefix"]:
        return False
    joined = "_".join(words)
    return any(_singular(word) in _WORDS or _GLUED.search(word) for word in words) or bool(
        re.search(r"(^|_)(api_key|conn(ection)?_str(ing)?)s?(_|$)", joined)
    )


def is_password_name(name: str) -> bool:
    """True for the name of a password. Passwords may be all digits; a number under another name is a limit, not a
    secret."""
    return any(_PASSWORDS.search(word) for word in words_of(name))


def words_of(name: str) -> list[str]:
    """The words of the name in lower case, without digits."""
    return [word.lower() for word in _WORD.findall(name)]


def _singular(word: str) -> str:
    return word[:-2] if word.endswith("sses") else word.removesuffix("s") if not word.endswith("ss") else word
