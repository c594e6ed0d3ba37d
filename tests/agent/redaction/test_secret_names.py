"""Detection of secrets in environment variables, by name and by value."""

import json

import pytest

from runs.agent.redaction.secret_values import secrets_in

VALUE = "quiet-river-stone-x"
SECRET_NAMES = [
    "DBPASS",
    "PGPASS",
    "GITHUB_PAT",
    "GITHUBTOKEN",
    "TWILIO_AUTHTOKEN",
    "npm_config__authToken",
    "PRIVATEKEY",
    "ENCRYPTIONKEY",
    "ACCESS_KEYS",
    "KEY1",
    "OPENAI_KEY2",
    "MYSQL_PWD",
    "SharedAccessSignature",
    "apiKey",
    "dbPassword",
    "clientSecret",
    "accessToken",
    "GITHUB_TOKENS",
    "SMTP_PASS",
    "SMTP_AUTH",
    "GOOGLE_CREDENTIALS",
    "AWS_CREDS",
    "SENTRY_DSN",
    "SESSION_COOKIE",
    "PASSWORD_SALT",
    "WALLET_SEED",
    "KEY_PASSPHRASE",
    "APIKEY",
    "SLACK_WEBHOOK_URL",
    "SIGNINGKEY",
    "SSHKEY",
    "JWT",
    "HMAC_KEYS",
    "VAULT_TOKEN_2",
    "mysqlRootPasswords",
    "AZURE_STORAGE_CONNECTION_STRING",
    "DB_CONNSTR",
    "X_API_KEYS",
    "ROOT_PW",
    "TOTP_SECRET",
    "AWS_ACCESS_KEY_ID",
    "MASTERKEY",
    "hf_token",
    "REDISPASS2",
    "AccountKey",
]
ORDINARY = {
    "PATH": "/usr/local/bin:/usr/bin",
    "LANG": "en_GB.UTF-8",
    "HOSTNAME": "web-server-7f9c",
    "PYTHONHASHSEED": "random-number",
    "KEYBOARD": "logitech-mx-keys",
    "MONKEY": "gibbon-and-macaque",
    "PASSENGER_COUNT": "one hundred",
    "AUTHOR": "ada-lovelace",
    "AUTHORS": "ada-and-grace",
    "BYPASS": "round-the-town",
    "COMPASS": "north-by-north-west",
    "TURKEY": "constantinople",
    "PATTERN": "herring-bone",
    "SPINNER": "round-and-round",
    "SECRETARY_NAME": "miss-moneypenny",
    "MAX_TOKENS": "1000000000",
    "RANDOM_SEED": "1234567890",
    "COOKIE_DOMAIN": "example.org",
    "TOKEN_TTL": "one hour and more",
    "PWD": "/a/folder/that/is/none",
    "OLDPWD": "/another/folder/that/is/none",
    "USE_TOKENS": "true",
    "GIT_COMMIT": "9b2c6f1a0e4d8c7b6a5f4e3d2c1b0a9f8e7d6c5b",
    "INVOCATION_ID": "0f9c1a2b3c4d5e6f7a8b9c0d1e2f3a4b",
    "REQUEST_ID": "5D41402A-BC4B-2A76-B971-9D911017C592",
    "SITE": "https://ada@example.org/a?page=2&sort=name",
    "RELEASE": "MySuperLongApplicationName2026Production01",
    "LS_COLORS": "*.key=00;32:*.pem=00;32",
}
VALUES = {
    "SharedAccessSignature=sr-abcdefghijk": "sr-abcdefghijk",
    "Endpoint=sb://x/;SharedAccessKey=abcdefgh+/==": "abcdefgh+/==",
    "cache:6380,password=in-a-list-of-pairs,ssl=True": "in-a-list-of-pairs",
    "https://x.example/c?sv=1&sig=abc%2Fdefghi": "abc/defghi",
    "//registry.example.org/:_authToken=abcdefgh-1234": "abcdefgh-1234",
    "https://abcdefgh-1234@git.example/x": "abcdefgh-1234",
    "users:\n- name: ada\n  user:\n    token: abcdefgh-1234\n": "abcdefgh-1234",
    '{"users": [{"user": {"client-key-data": "abcdefgh-1234"}}]}': "abcdefgh-1234",
    '{"a": "{\\"apiKey\\": \\"abcdefgh-1234\\"}"}': "abcdefgh-1234",
    '[{"base_url": "http://h/v1?api_key=abcdefgh-1234"}]': "abcdefgh-1234",
    "ghp_abcdefghijkl": "ghp_abcdefghijkl",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY0z9Q": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY0z9Q",
    "-----BEGIN EC PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END EC PRIVATE KEY-----": "MIIEvQIBADANBgkq",
}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_variable_that_is_named_like_a_secret_holds_one(name):
    assert secrets_in({name: VALUE}) == {VALUE}


@pytest.mark.parametrize("name", ORDINARY)
def test_a_variable_with_an_ordinary_name_and_value_holds_none(name):
    assert secrets_in({name: ORDINARY[name]}) == set()


@pytest.mark.parametrize("name", ["MYSQL_PWD", "DBPASS", "PGPASSWORD", "SMTP_PASS", "ROOT_PW"])
def test_a_password_may_consist_of_digits(name):
    assert secrets_in({name: "1234567890"}) == {"1234567890"}


@pytest.mark.parametrize("value", VALUES)
def test_a_secret_inside_a_value_is_found_whatever_the_name_of_the_variable(value):
    assert VALUES[value] in secrets_in({"SITE_OPTIONS": value})


def test_the_key_of_an_endpoint_is_found_however_its_json_is_written():
    endpoints = json.dumps([{"name": "local", "key_env": "GRANITE"}])
    escaped = endpoints.replace("key_env", "key\\u005fenv").replace("GRANITE", "GR\\u0041NITE")

    for text in (endpoints, escaped):
        assert secrets_in({"AGENTSITE_ENDPOINTS": text, "GRANITE": VALUE}) == {VALUE}


def test_json_that_is_too_deep_to_be_read_is_no_error():
    assert secrets_in({"AGENTSITE_ENDPOINTS": "[" * 200_000, "API_KEY": VALUE}) == {VALUE}
