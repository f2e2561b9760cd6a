"""One folder for each family of products: a codec without I/O, a board, and its twin."""
