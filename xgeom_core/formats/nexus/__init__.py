"""NeXus and NXmx: images, header, transformation chains, writing."""
