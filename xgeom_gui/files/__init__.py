"""Opening, remembering and following files, and the tree inside them; saving and opening sessions."""
