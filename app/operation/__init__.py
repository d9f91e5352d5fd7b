"""What the operator's commands do: set up, validate, serve, ask for the status."""
