"""Tools that reach the web: pages, search, and requests to APIs, behind one guard."""
