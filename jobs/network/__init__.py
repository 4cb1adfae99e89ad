"""The wholesaler's network: what it is asked, how that leaves, what it answers."""
