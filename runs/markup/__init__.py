"""What the Markdown of models needs beyond CommonMark: rules for markdown-it, each linear in the text."""
