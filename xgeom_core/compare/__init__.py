"""Several programs' centers side by side, and the confusions of conventions that explain differences."""
