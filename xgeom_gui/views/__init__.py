"""Pictures of the state: each subscribes to it and never edits it while drawing."""
