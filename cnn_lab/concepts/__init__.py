"""Mathematics of the Learn pages, with code snippets and checks against Keras."""
