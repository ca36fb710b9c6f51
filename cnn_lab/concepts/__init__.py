"""The mathematics behind the Learn pages, as code snippets and as checks against Keras too."""
