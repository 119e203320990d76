"""What the text headers of detectors say, for all who read them: image readers and tools' files alike.

===========  ==================================================================
``numbers``  numbers in text, with their units
``mini``     the mini-header of Pilatus and Eiger images (CBF, and TIFF alike)
===========  ==================================================================
"""
