"""The hosts' images: Debian 13 as a provider installs it, made by mmdebstrap and kept outside the checkout."""

from lab.image.build import build_image, cache_folder
from lab.image.recipe import BARE, FULL, Recipe

__all__ = ["BARE", "FULL", "Recipe", "build_image", "cache_folder"]
