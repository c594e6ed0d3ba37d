"""How static files are kept: under the hash of what is in them, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = (
    r"""(?m)(?P<matched>^import (?P<names>[^'"]+) from "(?P<url>\.\.?/[^"]+)";$)""",
    'import %(names)s from "%(url)s";',
)


class HashedFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """Our scripts import each other by hashed names too: a module under two names would run twice, or stay old.

    Django's own switch for this (`support_js_module_import_aggregation`) also follows imports that only stand in the
    comments of other people's scripts, and fails for want of those files.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("live.js", (_IMPORT,)),
        ("live/*.js", (_IMPORT,)),
    )
