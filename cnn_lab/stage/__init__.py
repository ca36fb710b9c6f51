"""The stage: a small browser player for any trace.

`cnn_lab.app.widgets.stage` shows it on a page; `page` and `render` export it to files.
"""
