"""Jobs that outlive the window: started, queued, watched, stopped, resumed. Needs neither torch nor Qt.

A job is a folder; nothing about it is kept anywhere else, so that any process that knows the folder
can list, watch and control it. `store` is the door; the other modules are its parts.
"""
