"""Names of tables in SQL."""


def table_name(file_name: str, sheet: str = "") -> str:
    """The name in SQL of the table in a file: its name without the end, and what is no letter or digit as `_`."""
    stem = file_name.rpartition(".")[0] or file_name
    bare = "".join(each if each.isalnum() else "_" for each in f"{stem} {sheet}".strip())[:100]
    return f"t_{bare}" if not bare or bare[0].isdigit() else bare
