"""One module per rule of the guideline; none imports another."""
