"""A bare page with one convolution, its check against Keras and its code."""

import numpy as np
import streamlit as st

from cnn_lab import ops
from cnn_lab.app.widgets.keras_check import code_in_tabs, keras_check
from cnn_lab.concepts.checks import LayerCheck
from cnn_lab.concepts.layer_call import LayerCall
from cnn_lab.ops.settings import ConvolutionSettings

side = st.number_input("Side", value=6, key="side")
strides = st.number_input("Stride", value=1, key="strides")
wrong_by = st.number_input("Wrong by", value=0.0, key="wrong_by")
images = np.arange(side * side, dtype=float).reshape(1, side, side, 1) / 7
kernel = np.array([[1.0, 0.0, -1.0]]).reshape(1, 3, 1, 1)
call = LayerCall("convolution", ConvolutionSettings(strides=strides), images, kernel)
result = ops.conv2d(images, kernel, strides=strides)
keras_check("check", LayerCheck(call, {"result": result + wrong_by}))
code_in_tabs(call)
