"""The window put together: command line, start, layout, actions, menus, messages."""
