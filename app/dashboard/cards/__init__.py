"""One module a card: a view, which says what is shown, and a markup, which shows it."""
