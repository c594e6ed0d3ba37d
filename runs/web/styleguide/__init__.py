"""The styleguide: all tokens and components of the site, made from the real styles and partials with sample data."""
