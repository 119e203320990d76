"""The frame on the screen: picture, contrast, marks, rings, masks, profiles, playing."""
