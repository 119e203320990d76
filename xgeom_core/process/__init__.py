"""Child processes of this program that answer its requests: for predictions, and for files from strangers.

==================  ===============================================================================
``worker``          starts such a process, ends it, notices its end
``channel``         messages to it and from it: parts of bytes, and open files beside them
``plain``           values as plain JSON, each checked against the type that is expected
``shared_memory``   large arrays without a way through the channel
``bounds``          what the process says to itself: end with the parent, so much memory, so much time
``reading``         the process that reads files for this program
==================  ===============================================================================

Nothing is imported here: a process is started before anything slow is.
"""
