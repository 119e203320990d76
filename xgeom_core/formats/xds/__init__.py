"""XDS: XDS.INP, XPARM.XDS and its logs."""
