"""What is open and chosen, typed and observable; knows no widget."""
