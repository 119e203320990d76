"""HDF5: what all its layouts share, training files and plain stacks."""
