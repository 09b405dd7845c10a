"""A length distribution: uniform between two numbers of tokens."""

from blis.workload.draw.lengths import LENGTH_LAWS, LengthLaw

LENGTH_LAWS.register("extra_uniform")(
    LengthLaw(
        required=("min", "max"),
        sample=lambda random, params, n: params["min"] + (params["max"] - params["min"]) * random.random(n),
        mean=lambda params, low, high: (low + high) / 2,
    )
)
