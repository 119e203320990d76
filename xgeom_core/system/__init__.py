"""What the operating system gives, trusted no further than need be: files, records, locks, processes."""
