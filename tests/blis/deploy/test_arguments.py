"""Arguments are the same in whatever form they are kept, and what is none of the forms is refused."""

import pytest

from blis.deploy.arguments import read_arguments
from blis.errors import InputError

MAPPING = "---\n# mine\nmax_num_seqs: 64\ntensor-parallel-size: 4\nenable-prefix-caching: true\n"
LIST = '- --max-num-seqs=64\n- -tp\n- "4"\n- --enable-prefix-caching\n'
FLOW = '["serve", "some/model", "--max-num-seqs", "64", "-tp=4", "--enable-prefix-caching"]'
LINE = "vllm serve some/model --max-num-seqs 64 -tp 4 --enable-prefix-caching\n"
SCRIPT = (
    "#!/bin/bash\nexport HF_HOME=/models # where they are\nVLLM_LOGGING_LEVEL=DEBUG exec vllm serve some/model \\\n"
    "  --max_num_seqs=64 \\\n  --tensor-parallel-size 4 --enable-prefix-caching\n"
)


def read(text):
    return read_arguments(text, "serve")


@pytest.mark.parametrize("text", [MAPPING, LIST, FLOW, LINE, SCRIPT])
def test_every_form_says_the_same(text):
    found = {name: str(value) for name, value in read(text).value.items()}
    assert found == {"max-num-seqs": "64", "tensor-parallel-size": "4", "enable-prefix-caching": "True"}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("vllm serve --max-num-seqs 64 some/model", "max-num-seqs", "64"),
        ("vllm serve --enable-chunked-prefill some/model", "enable-chunked-prefill", True),
        ("vllm serve --enable-chunked-prefill false", "enable-chunked-prefill", "false"),
        ("vllm serve m --no-enable-prefix-caching --port 80", "enable-prefix-caching", False),
        ("vllm serve m --api-key a#b --max-num-seqs 64", "max-num-seqs", "64"),
        ("vllm serve m --max-num-seqs 1 --max_num_seqs 2", "max-num-seqs", "2"),
        ("vllm serve m --sc.method ngram", "speculative-config", {"method": "ngram"}),
        ("vllm serve --sc.a-b=1 --sc.c 2 m", "speculative-config", {"a_b": "1", "c": "2"}),
        ("vllm serve m --max-num-seqs -1", "max-num-seqs", "-1"),
    ],
)
def test_a_word_belongs_to_the_argument_that_wants_it(text, name, value):
    assert read(text).value[name] == value


def test_a_mapping_knows_its_lines():
    assert str(read("port: 1\nmax_num_seqs: x\n").wrong("max-num-seqs", "wrong")) == (
        "serve: line 2: max-num-seqs: wrong"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "serve must be a mapping"),
        ("# nothing\n", "serve must be a mapping"),
        ("docker run some/image", "serve: no arguments of vLLM in it"),
        ("[]", "serve: no arguments of vLLM in it"),
        ("apiVersion: apps/v1\nkind: Deployment\n", "serve: line 2: kind: a Kubernetes manifest; give the `args`"),
        ("vllm serve --config more.yaml", "serve: config: more.yaml has arguments, too"),
        ("max-num-seqs: 1\n---\nmax-num-seqs: 2\n", "serve: line 2: a second document"),
        ("--max-num-seqs 'open", "serve: not a command line"),
    ],
)
def test_what_is_none_of_the_forms(text, message):
    with pytest.raises(InputError) as error:
        read(text)
    assert str(error.value).startswith(message)
