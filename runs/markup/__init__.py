"""markdown-it rules for model texts beyond CommonMark, each linear in the text."""
