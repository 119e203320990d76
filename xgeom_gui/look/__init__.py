"""Colors, styles and plain widgets that every room may use."""
