"""Tests of the tools that ask people."""
