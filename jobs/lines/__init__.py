"""The life of a line: what is done to it, at once or on a day, and what the network answers."""
