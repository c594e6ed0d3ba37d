"""Malformed cookies are dropped before the site reads them."""

from runs.cookies import cookie_in, without_escapes


def test_a_cookie_that_is_written_with_escapes_is_left_out_and_the_others_stay():
    headers = [(b"host", b"x\\y"), (b"cookie", b'theme=dark; x="' + rb"\"" * 7_000 + b'"; sessionid=abc')]

    assert without_escapes(headers) == [(b"host", b"x\\y"), (b"cookie", b"theme=dark; sessionid=abc")]


def test_the_last_cookie_of_a_name_counts():
    assert cookie_in("sessionid=a; theme=dark;sessionid = b", "sessionid") == "b"
    assert cookie_in("xsessionid=a", "sessionid") == ""
