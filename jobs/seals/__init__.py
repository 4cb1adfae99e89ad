"""Seals: documents are chained as they are issued, the chains are verified, and handed over as an archive."""
