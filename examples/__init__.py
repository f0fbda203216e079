"""Things to try Tierline with. Nothing in the product needs them."""
