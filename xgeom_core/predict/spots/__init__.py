"""Bragg spots: finding and measuring them."""
