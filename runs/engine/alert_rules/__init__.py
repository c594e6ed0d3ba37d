"""Alert rules: figures of runs over a window, the levels that they reach, and what people do with a rule."""
