"""A shop, as an example of an app with tools of its own.

It is an ordinary Django app; the only thing that makes it one with tools is its `agent_tools.py`, which is imported
at the start because the app is installed:

    AGENTSITE_APPS=tests.example_app make run
"""
