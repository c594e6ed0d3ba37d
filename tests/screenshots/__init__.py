"""Pictures of every page in every state, from a real server: `make screenshots`.

Each state is arranged once and photographed in every look (light and dark, at 1280, 1720 and 390 px).
"""
