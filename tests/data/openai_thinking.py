"""Asks a running Dramatis a question that takes thought, with OpenAI's own client: what it tells beside the answer is there for
those who look, and in nobody's way."""

import sys

import openai

base_url, key, expected = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
question = [{"role": "user", "content": "/reflect What did I tell you about the ferry?"}]


def ask(**more):
    return client.chat.completions.create(model="elena", messages=question, user="robin", **more)


# A client that knows nothing of it: words only.
plain = "".join(chunk.choices[0].delta.content or "" for chunk in ask(stream=True))
assert plain == expected, plain

# One that looks for it.
told, words = [], ""
for chunk in ask(stream=True, stream_options={"include_usage": True}):
    assert chunk.object == "chat.completion.chunk", chunk
    beside = (chunk.model_extra or {}).get("dramatis")
    if beside is not None:
        assert len(chunk.choices) == 1 and not chunk.choices[0].delta.content, chunk
        assert chunk.choices[0].finish_reason is None, chunk
        told.append(beside)
    for choice in chunk.choices:
        words += choice.delta.content or ""
assert words == expected, words
thinking = [event["thinking"] for event in told if "thinking" in event]
tools = [event["tool"] for event in told if "tool" in event]
assert thinking and all(it["step"] <= it["of"] and it["text"] for it in thinking), told
for name in ("search_memories", "current_time"):
    own = [it for it in tools if it["name"] == name]
    assert [it["state"] for it in own] == ["started", "finished"], own
    assert own[0]["id"] == own[1]["id"] and own[1]["ms"] >= 0, own

# And the answer in one piece.
whole = ask()
assert whole.choices[0].message.content == expected and whole.choices[0].finish_reason == "stop", whole
with client.chat.completions.stream(model="elena", messages=question, user="robin") as stream:
    final = stream.get_final_completion()
assert final.choices[0].message.content == expected, final
print("thinking and tools are told to openai", openai.__version__)
