"""Tasks with named places, the inputs that fill them, and the values of one launch."""
