"""Patterns of error messages about context overflows, and of messages that only resemble them."""

import re

_N = r"(\d{1,3}(?:[,._'\u00a0\u202f ]\d{3}){1,3}(?!\d)|\d+)"
"""A number, with or without separators."""
_W = _N.replace("(", "(?P<window>", 1)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace("<N>", _N).replace("<window>", _W), re.IGNORECASE)


def _patterns(lines: str) -> tuple[re.Pattern[str], ...]:
    """One pattern per line; a comment after two spaces names the servers that use the wording."""
    texts = (line.split("  #")[0].strip() for line in lines.splitlines())
    return tuple(_pattern(text) for text in texts if text)


CODES = frozenset(
    {
        "context_length_exceeded",  # OpenAI, Azure, xAI, LiteLLM
        "context_window_exceeded",
        "contextwindowexceedederror",
        "exceed_context_size_error",  # llama.cpp
        "model_context_window_exceeded",  # Z.ai
        "model_max_prompt_tokens_exceeded",  # GitHub Copilot
        "tokens_limit_reached",  # GitHub Models, with 413
        "1261",  # Z.ai
    }
)
"""Error codes of overflows, in lower case."""

SUMS = _patterns(
    r"""
    exceed context limit: <N> \+ <N> > <window>  # Anthropic, Bedrock
    maximum context length is <window> tokens[^\n]{0,40}? request has <N> input tokens[^\n]{0,20}?plus <N>  # vLLM 0.16
    maximum context length is <window> tokens[^\n]{0,40}? request has <N> input tokens \(<N> >  # vLLM before
    must be <= <window>\. Given: <N> .inputs. tokens and <N>  # TGI
    """
)
"""Input and output are stated separately and are added."""

WINDOW_FIRST = _patterns(
    r"""
    maximum context length is <N>\b[^\d]{0,80}?(?:requested|resulted in|has) (?:about )?<N>  # OpenAI, vLLM, OpenRouter
    maximum context length of <N> tokens\. You requested a total of <N> tokens  # SGLang
    maximum prompt length is <N>\b[^\d]{0,60}contains <N>  # xAI
    configured limit of <N> tokens\. Your messages resulted in <N>  # OpenAI's newer models
    must have less than <N> tokens\. Given: <N>  # TGI
    exceeded model token limit: <N> \(requested: <N>\)  # Moonshot
    total number of tokens (?:in the prompt |\(prompt and prediction\) )?cannot exceed <N> - received <N>  # Cohere
    request too large for [^\n]{1,300}?: Limit <N>, Requested <N>  # OpenAI, Groq: more than the tokens of a minute
    """
)
"""The window is stated before the request."""

REQUEST_FIRST = _patterns(
    r"""
    request \(<N> tokens\) exceeds the available context size \(<N> tokens\)  # llama.cpp
    prompt is too long: <N> tokens > <N>  # Anthropic, Bedrock
    prompt is too long: <N>, model maximum context length: <N>  # Fireworks
    prompt too long: <N> tokens exceeds max context window of <N>  # oMLX
    keep the first <N> tokens when[^\d]{0,120}context length of only <N>  # LM Studio 0.3
    n_keep:? \(?<N>\)? ?>= ?n_ctx:? \(?<N>  # LM Studio
    input token count (?:\(|of |is )?<N>\)?[^\d]{0,20}exceeds? the maximum number of tokens allowed \(?<N>  # Gemini
    prompt token count of <N> exceeds the limit of <N>  # GitHub Copilot
    request contains <N> tokens,? which exceeds the limit of <N>  # Vertex
    input \(<N> tokens\) is longer than the model'?s context length \(<N> tokens\)  # SGLang, Together
    input length \(<N> tokens\) exceeds the maximum allowed length \(<N>  # SGLang
    prompt \(length <N>\) is longer than the maximum model length of <N>  # vLLM
    prompt \(total length <N>\) is too long to fit into the model \(context length <N>  # vLLM
    passed <N> input tokens[^\n]{0,80}?context length is only <N>  # vLLM
    input length <N> exceeds the maximum allowed input length of <N>  # Poolside
    prompt contains <N> tokens[^\n]{0,60}?too large for model with <N> maximum context length  # Mistral
    prompt has <N> tokens?, but the configured context size is <N>  # ds4
    current length is <N> while limit is <N>  # Cerebras
    """
)
"""The request is stated before the window."""

WINDOW_ALONE = _patterns(
    r"""
    maximum (?:context|prompt|sequence) length (?:is|of) <N>
    maximum context length:? <N>
    (?:context length|context size|context window)(?: is| of)?(?: only)? \(?<N> ?tokens
    range of input length should be \[\d+, ?<N>\]  # Qwen
    request body too large for [^\n]{1,100}? Max size: <N> tokens  # GitHub Models
    maximum (?:number of )?(?:input )?tokens allowed \(?<N>  # Gemini
    """
)

OVERFLOWS = re.compile(
    r"""
      exceeds?\ the\ (?:available\ )?context\ (?:size|window|length)
    | exceeds?\ (?:the\ )?(?:model'?s?\ )?(?:maximum\ |max\ |supported\ )?context\ (?:length|window|size|limit)
    | context[ _-](?:length|window|size|limit)\ (?:has\ been\ |was\ |is\ )?exceed
    | context[ _-](?:length|window)[ _-]exceeded
    | context\ window\ exceeds\ limit
    | exceed(?:s|ed)?\ (?:the\ )?context\ limit
    | exceed(?:s|ed)?\ (?:the\ )?max(?:imum)?\ context\ (?:length|window|size)
    | (?:prompt|input|context|request|conversation|messages?)\ (?:is|are)\ too\ long
    | (?:prompt|input|context)\ too\ long
    | input\ (?:context|length)\ is\ too\ long
    | input\ tokens?\ (?:length\ )?exceed | input\ token\ length\ too\ long
    | (?<!_)tokens?\ exceed(?:s|ed)?\ (?:the\ )?(?:maximum|limit|configured)
    | exceeds?\ the\ maximum\ (?:number\ of\ )?(?:input\ )?tokens
    | exceeds?\ the\ maximum\ (?:allowed\ )?input\ length | too\ large\ for\ [^\n]{1,100}\ max\ size:\ \d+\ tokens
    | token\ count\ of\ \d+\ exceeds
    | greater\ than\ the\ context\ length
    | longer\ than\ the\ (?:model'?s?\ )?(?:maximum\ )?(?:context|model)\ length
    | exceed(?:s|ed)?\ (?:the\ )?(?:maximum\ )?model\ (?:token\ )?(?:limit|length)
    | maximum\ (?:context|prompt)\ length\ is
    | reduce\ the\ length\ of\ (?:the|your)\ (?:messages|prompt|input)
    | range\ of\ input\ length\ should\ be
    | context\ shift\ is\ disabled
    | too\ large\ to\ process\.\ increase\ the\ physical\ batch\ size
    | too\ many\ (?:input\ |prompt\ )?tokens | token\ limit\ exceeded
    | tokens\ in\ request\ more\ than\ max\ tokens\ allowed
    | max_tokens\ must\ be\ at\ least\ 1,\ got\ -
    | does\ not\ fit\ (?:in|into)\ the\ context
    | reached\ (?:its\ )?context\ length
    | prompt\ exceeds\ (?:the\ )?(?:maximum|max)(?:imum)?\ (?:context\ )?length | prompt\ exceeds\ the\ length\ limit
    | 输入长度超过 | 上下文长度超 | 超出上下文 | 超过最大长度
    """,
    re.IGNORECASE | re.VERBOSE,
)

ABOUT_OUTPUT = re.compile(
    r"""
      completion\ tokens,\ whereas                              # OpenAI
    | maximum\ allowed\ number\ of\ output\ tokens              # Anthropic
    | range\ of\ max_tokens | valid\ range\ of\ max_tokens      # Qwen, DeepSeek
    | max_?output_?tokens\ value                                # Gemini
    | (?:output|completion)\ tokens?\ exceed
    | the\ maximum\ value\ for\ .?max_(?:completion_)?tokens    # Groq, which names the window in the same sentence
    """,
    re.IGNORECASE | re.VERBOSE,
)
ABOUT_RATE = re.compile(
    r"rate.?limit|too many requests|please wait|throttl|per[ _-](?:minute|min|day|hour|second)\b|\bTP[MDH]\b|quota",
    re.IGNORECASE,
)
