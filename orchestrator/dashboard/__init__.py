"""The web pages and the API behind them."""
