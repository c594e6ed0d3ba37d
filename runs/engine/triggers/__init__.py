"""Triggers: addresses whose signed requests launch runs. Signatures, payloads, and what is made of them."""
