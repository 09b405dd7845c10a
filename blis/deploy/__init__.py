"""From the configuration of a router and an engine to a policy bundle, and back.

In comes an EndpointPickerConfig of the llm-d router, or arguments of vLLM; out comes a bundle that means the same, and
from a bundle the files that deploy it. What is not quite the same is named; what has no counterpart is refused.
Read `counterparts.py` first (what is what), then `import_epp.py` and `export_epp.py`.
"""
