"""python -m app <word> <verb>: one module a word, and what the words share."""
