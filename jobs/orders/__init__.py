"""Orders: written as drafts that hold their cards, submitted once, opened by the network's answers."""
