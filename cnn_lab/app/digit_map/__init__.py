"""The Digit map page: test digits by what a network makes of them."""
