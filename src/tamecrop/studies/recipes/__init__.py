"""One file a recipe; each says its paper, the expected number, the cost and the command."""
