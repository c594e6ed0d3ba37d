"""What keeps many runs from hurting a provider that is unwell, and one run from waiting for nothing."""
