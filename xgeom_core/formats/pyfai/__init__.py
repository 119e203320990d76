"""pyFAI and Fit2D: PONI files, detectors, Fit2D's words."""
