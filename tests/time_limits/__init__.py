"""No text from outside is read without a time limit."""
