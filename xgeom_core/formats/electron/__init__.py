"""Electron cameras: MRC, Merlin, TVIPS, HyperSpy and EMD, and what they have in common."""
