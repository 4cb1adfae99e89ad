"""The race: `make bench` bills one large month on both engines, beside the ordinary ways of doing the same, in one run."""
