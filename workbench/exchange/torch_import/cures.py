"""What to do about operations of torch that a network does not have."""

from __future__ import annotations

RETRAIN = "a neuron answers by a ReLU, or one with a ceiling: put nn.ReLU() in its place and train again"
LOGITS = "leave it out: the largest of what it is given names the same class"
STATISTICS = "it takes statistics of what it sees: put batch norm in its place and train again"
GATES = "edges are linear, so activities are not multiplied with each other: leave it out and train again"
RECURRENT = "write the recurrence as a wb.Network whose edges have delays of at least 1"
ORDER = "leave the order of numbers as it is; permute the weights of the layer behind it instead"

CURES: dict[str, tuple[str, str]] = {
    **{name: (words, RETRAIN) for name, words in {
        "leaky_relu": "leaky ReLU", "prelu": "PReLU", "rrelu": "randomised ReLU", "elu": "ELU", "selu": "SELU",
        "celu": "CELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish", "hardswish": "hardswish", "sigmoid": "sigmoid",
        "hardsigmoid": "hard sigmoid", "tanh": "tanh", "softplus": "softplus", "log_sigmoid": "logarithm of a sigmoid",
        "softsign": "softsign", "abs": "absolute value", "exp": "exponential", "log": "logarithm",
        "sqrt": "square root", "pow": "power", "square": "square",
        "hardshrink": "hardshrink", "softshrink": "softshrink", "glu": "GLU",
        "maximum": "maximum of two tensors", "minimum": "minimum of two tensors", "max": "maximum", "sign": "sign",
    }.items()},
    "softmax": ("softmax", LOGITS),
    "log_softmax": ("log-softmax", LOGITS),
    "_softmax": ("softmax", LOGITS),
    "_log_softmax": ("log-softmax", LOGITS),
    "layer_norm": ("layer norm", STATISTICS),
    "native_layer_norm": ("layer norm", STATISTICS),
    "group_norm": ("group norm", STATISTICS),
    "instance_norm": ("instance norm", STATISTICS),
    "rms_norm": ("RMS norm", STATISTICS),
    "local_response_norm": ("local response norm", STATISTICS),
    "linalg_vector_norm": ("norm of a vector", STATISTICS),
    "var": ("variance", STATISTICS),
    "bmm": ("product of two activities", GATES),
    "baddbmm": ("product of two activities", GATES),
    "einsum": ("einsum", GATES),
    "scaled_dot_product_attention": ("attention", GATES),
    "_native_multi_head_attention": ("attention", GATES),
    "multi_head_attention_forward": ("attention", GATES),
    "lstm": ("LSTM", RECURRENT),
    "gru": ("GRU", RECURRENT),
    "rnn_tanh": ("recurrent layer", RECURRENT),
    "rnn_relu": ("recurrent layer", RECURRENT),
    "lstm_cell": ("LSTM cell", RECURRENT),
    "gru_cell": ("GRU cell", RECURRENT),
    "rnn_relu_cell": ("recurrent cell", RECURRENT),
    "rnn_tanh_cell": ("recurrent cell", RECURRENT),
    "permute": ("permutation of axes", ORDER),
    "transpose": ("exchange of axes", ORDER),
    "movedim": ("exchange of axes", ORDER),
    "channel_shuffle": ("channel shuffle", ORDER),
    "pixel_shuffle": ("pixel shuffle", ORDER),
    "pixel_unshuffle": ("pixel unshuffle", ORDER),
    "roll": ("roll", ORDER),
    "flip": ("flip", ORDER),
    "index": ("indexing", "take channels in one piece, x[:, :n]"),
    "index_select": ("indexing", "take channels in one piece, x[:, :n]"),
    "gather": ("indexing", "take channels in one piece, x[:, :n]"),
    "select": ("indexing", "take channels in one piece, x[:, :n]"),
    "stack": ("stacking along a new axis", "concatenate along the channels: torch.cat(tensors, dim=1)"),
    "pad": ("padding by itself", "give it to the convolution or pool behind: padding=..."),
    "constant_pad_nd": ("padding by itself", "give it to the convolution or pool behind: padding=..."),
    "conv3d": ("convolution in three dimensions", "time is no axis of a frame: use Conv2d, and delays"),
    "conv_transpose1d": ("transposed convolution", "it enlarges images: leave it out"),
    "conv_transpose2d": ("transposed convolution", "it enlarges images: leave it out"),
    "upsample_nearest2d": ("enlarging of images", "leave it out"),
    "upsample_bilinear2d": ("enlarging of images", "leave it out"),
    "embedding": ("embedding", "frames hold numbers, not words: give its vectors as input"),
    "wrap_with_set_grad_enabled": ("torch.no_grad within the module", "call the module under torch.no_grad() instead"),
    "cond": ("torch.cond, which depends on the numbers it sees", "decide by shapes or by settings of the module"),
    "others": ("", "edges carry convolutions, linear layers and averages, nodes add a bias or batch norm and answer by "
               "a ReLU: write it by these, or leave it out"),
}  # fmt: skip
