"""The provider plugins of the lab: one program, named by its file, that speaks the engine's provider protocol."""
