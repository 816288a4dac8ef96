"""The web pages that show what is in the ledger. They read `ledger.store`, and the marketplace through a seam."""
