"""A known secret is hidden in every encoding, whole and in pieces, in linear time."""

import base64
import html
import json
import quopri
import time
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runs.agent.redaction.redactor import Redactor
from runs.agent.redaction.stream_redactor import PieceRedactor

SECRET = "/p\"a<ss>&'wörd+1=x/Z9"
PLAIN = "canary-3f9c1d7e55aa"


def percent(secret: str, level: int = 1) -> str:
    return "".join(f"%{'25' * (level - 1)}{byte:02x}" for byte in secret.encode())


def written(secret: str) -> dict[str, str]:
    code = secret.encode()
    hexadecimal = code.hex()
    wide = secret.encode("utf-16-le")
    longer = [b"x" * before + code + b"and more" for before in range(5)]
    return {
        "u": "".join(f"\\u{ord(each):04x}" for each in secret),
        "u in JSON": json.dumps("".join(f"\\u{ord(each):04X}" for each in secret)),
        "u in braces": "".join(f"\\u{{{ord(each):x}}}" for each in secret),
        "x": "".join(f"\\x{byte:02x}" for byte in code),
        "every other letter": "".join(f"\\x{ord(each):02x}" if n % 2 else each for n, each in enumerate(secret)),
        "octal": "".join(f"\\{byte:03o}" for byte in code),
        "decimal entities": "".join(f"&#{ord(each)};" for each in secret),
        "hexadecimal entities": "".join(f"&#x{ord(each):X};" for each in secret),
        "entities in entities": html.escape("".join(f"&#{ord(each)};" for each in secret)),
        "percent twice": quote(quote(secret, safe=""), safe=""),
        "percent three times": percent(secret, 3),
        "mixed percent": "".join(f"%{byte:02{'xX'[n % 2]}}" for n, byte in enumerate(code)),
        "percent in entities": "".join(f"&#{ord(each)};" for each in percent(secret)),
        "quoted-printable": "".join(f"={byte:02X}" for byte in code),
        "quoted-printable with a line end": quopri.encodestring(code[:6]).decode()
        + "=\n"
        + "".join(f"={byte:02X}" for byte in code[6:]),
        "hex with spaces": code.hex(" "),
        "hex with colons": code.hex(":").upper(),
        "hex of both cases": "".join(each.upper() if n % 2 else each for n, each in enumerate(hexadecimal)),
        "0x": ", ".join(f"0x{byte:02x}" for byte in code),
        "UTF-16 as hex": wide.hex(),
        "UTF-16 big-endian as hex": secret.encode("utf-16-be").hex(" "),
        "bytes": str(list(code)),
        "bytes in JSON": json.dumps(list(code), indent=1),
        "bytes in octal": " ".join(f"{byte:03o}" for byte in code),
        "Base32": base64.b32encode(code).decode(),
        "Base64 of UTF-16": base64.b64encode(wide).decode(),
        "Base64 in lines": base64.encodebytes(b"y" * 50 + code + b"z" * 50).decode(),
        **{f"Base32 after {n}": base64.b32encode(each).decode() for n, each in enumerate(longer)},
        **{f"Base64 after {n}": base64.urlsafe_b64encode(each).decode().rstrip("=") for n, each in enumerate(longer)},
    }


@pytest.mark.parametrize("form", written(PLAIN))
@pytest.mark.parametrize("secret", [SECRET, PLAIN])
def test_a_known_secret_is_hidden_in_whatever_letters_it_is_written(secret, form):
    text = f"It is {written(secret)[form]} !\n"
    redactor = Redactor({secret})

    assert "[hidden]" in redactor.text(text)
    assert len(redactor.text(text)) < len(f"It is [hidden] !{'x' * (150 if 'lines' in form else 40)}")


@pytest.mark.parametrize("form", sorted({*written(PLAIN)} - {"Base64 in lines"}))
@pytest.mark.parametrize("length", [1, 5])
def test_a_known_secret_in_other_letters_is_hidden_when_it_comes_in_pieces(form, length):
    text = f"It is {written(PLAIN)[form]} !\n"
    redactor = Redactor({PLAIN})
    pieces = PieceRedactor(redactor)

    shown = "".join(pieces.next("a", text[at : at + length]) for at in range(0, len(text), length))

    assert "[hidden]" in shown
    assert redactor.text(text).startswith(shown) or shown == redactor.text(text)


ANY_LETTERS = st.text(st.characters(exclude_categories=()), max_size=8)
BEGUN = st.sampled_from(["\\u", "\\x4", "%2", "%25", "&#", "&am", "=4", "=\r", "0x", "97, ", "QUFB", "é", "م", "\x1c"])


@given(st.lists(ANY_LETTERS | BEGUN, max_size=30))
@example(["BEARER ", "00", "000000 "])  # its end may begin a known secret written as numbers
@example(["ثم", " "])  # the last byte of its last letter is a space in Latin-1
@example(["1, 2, 3, 4, 5, 6, 7, 8, 9à", "1à 2à 3à 4à 5à 6à 7à 8à 9à"])
@example(["01 02 03 04 05 06 07\x1c08 09 ", "97\x1f98\x1f99\x1f97\x1f97\x1f97\x1f97\x1f97\x1f97\x1f97"])
def test_a_text_of_any_script_comes_in_pieces_as_it_does_whole(texts):
    redactor = Redactor({SECRET, PLAIN})
    pieces = PieceRedactor(redactor)

    shown = "".join(pieces.next("a", text) for text in texts)

    assert redactor.text("".join(texts)).startswith(shown)


@pytest.mark.parametrize(
    "text",
    [
        "C:\\new\\x41 and 100%25 &amp; a=B1",
        "ab cd ef 01 02 03 04 05 06 07",
        "[1, 2, 3, 4, 5, 6, 7, 8, 9]",
        "größer \\u00e4",
    ],
)
def test_other_texts_in_such_letters_are_left_as_they_are(text):
    assert Redactor({SECRET, PLAIN}).text(text) == text


def test_what_stands_beside_an_escaped_secret_stays():
    assert Redactor({PLAIN}).text(f"ä\\u0041{percent(PLAIN)}%41é") == "ä\\u0041[hidden]%41é"


@pytest.mark.parametrize(
    "unit",
    ["\\", "%41", "%25", "25", "&amp;", "&", "ab ", "97, ", "QUFB", "\\u0041", "=41", "0x", "A" * 76 + "\n", "é%41"],
)
def test_looking_for_encoded_secrets_takes_time_in_proportion_to_the_text(unit):
    redactor, text = Redactor({SECRET, PLAIN}), unit * (300_000 // len(unit))
    began = time.process_time()

    redactor.text(text if unit != "25" else f"%{text}")

    assert time.process_time() - began < 3
