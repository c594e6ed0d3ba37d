"""Tools that are kept as rows: listed by their sources, approved by staff, offered in every process."""
