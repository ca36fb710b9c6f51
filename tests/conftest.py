from hypothesis import settings

# No test asserts a time, hypothesis's own deadline included.
settings.register_profile("lab", deadline=None)
settings.load_profile("lab")
