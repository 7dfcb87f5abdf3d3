"""Which digest an image's tag means: asked of its registry, written into images.yaml."""
