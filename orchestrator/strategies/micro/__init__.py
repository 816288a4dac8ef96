"""`micro`: a portfolio of tactics, one after another, in the order that has paid."""
