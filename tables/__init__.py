"""The nouns: Piccolo tables and their migrations. They borrow states and words from the laws, and know nothing else."""
