"""What stands between sample and detector: stops, arms, nozzles, foils, loops and capillaries."""

from xgeom_core.simulate.shadows.draw import draw_shadows
from xgeom_core.simulate.shadows.recipe import ShadowRecipe
from xgeom_core.simulate.shadows.shapes import Shadows
from xgeom_core.simulate.shadows.transmission import transmission

__all__ = ["ShadowRecipe", "Shadows", "draw_shadows", "transmission"]
