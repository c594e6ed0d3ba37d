"""Storage of static files under a hash of their content, so that browsers may cache them indefinitely."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

_IMPORT = (
    r"""(?m)(?P<matched>^import (?P<names>[^'"]+) from "(?P<url>\.\.?/[^"]+)";$)""",
    'import %(names)s from "%(url)s";',
)


class HashedFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    """Our scripts import each other by hashed names too: a module under two names would run twice, or stay outdated.

    Django's own switch for this (`support_js_module_import_aggregation`) also follows imports inside comments of
    vendored scripts, and fails because those files are missing.
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        *(
            (f"{name}.js", (_IMPORT,))
            for name in ("ui", "copy", "home", "live", "news", "waiting", "palette", "clock", "template_editor")
        ),
        *(
            (f"{name}.js", (_IMPORT,))
            for name in ("relative_times", "run_list", "thread_list", "live/*", "run/*", "words/*")
        ),
        *((f"{name}.js", (_IMPORT,)) for name in ("files", "launch", "push_device")),
    )
