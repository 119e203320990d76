"""Crystals in the beam, from the unit cell to the spots on the detector.

`recipe.CrystalRecipe` says what may be drawn, `draw.draw_crystals` draws it, `spots.bragg_spots` says where
the spots are, how bright and of what shape; `xgeom_core.simulate.spot_image.add_spots` draws them.
"""

from xgeom_core.simulate.crystals.crystal import Crystal
from xgeom_core.simulate.crystals.draw import draw_crystals
from xgeom_core.simulate.crystals.recipe import CrystalRecipe
from xgeom_core.simulate.crystals.spots import BraggSpots, bragg_spots

__all__ = ["BraggSpots", "Crystal", "CrystalRecipe", "bragg_spots", "draw_crystals"]
