"""Models: from factors to the product X, and a force on X pulled back to them."""
