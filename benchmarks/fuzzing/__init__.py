"""What `benchmarks/fuzz.py` is made of: seeds of every format, ways to damage them, a watch on reading.

===============  ==============================================================================
``seeds``        what a seed is, and the list of all
``frames``       seeds of files of frames
``geometries``   seeds of files of geometry
``mutations``    damage, repeatable by its number
``reading``      the thing under test: all that a command does with a file
``worker``       a process that reads files until it dies
``watch``        keeps a worker, and says how each reading ended
===============  ==============================================================================
"""
