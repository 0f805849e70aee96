"""Talks to a running Dramatis with OpenAI's own client: lists, chats, streams, and meets each error."""

import sys

import openai

base_url, key = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)

models = [model.id for model in client.models.list()]
assert "elena" in models and len(models) == 10, models
assert client.models.retrieve("iris").id == "iris"


def said(text, user="robin", **more):
    messages = [{"role": "system", "content": "ignored"}, {"role": "user", "content": text}]
    return client.chat.completions.create(model="elena", messages=messages, user=user, **more)


first = said("Hi, my name is Robin and I have a dog named Luna.")
assert first.object == "chat.completion" and first.choices[0].finish_reason == "stop", first
assert first.choices[0].message.role == "assistant" and first.choices[0].message.content

again = said("What is my dog called?")
assert "Luna" in again.choices[0].message.content, again
other = said("What is my dog called?", user="sam")
assert "Luna" not in other.choices[0].message.content, other

parts = [{"type": "text", "text": "What is my dog called?"}]
assert "Luna" in said(parts).choices[0].message.content

chunks = list(said("What is my dog called?", stream=True, stream_options={"include_usage": True}))
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert "Luna" in text, text
assert chunks[-1].usage is not None and chunks[-2].choices[0].finish_reason == "stop", chunks[-2:]


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind} was expected")


missing = fails(openai.NotFoundError, lambda: client.chat.completions.create(
    model="nobody", messages=[{"role": "user", "content": "hi"}]))
assert missing.code == "model_not_found", missing
fails(openai.BadRequestError, lambda: client.chat.completions.create(model="elena", messages=[]))
fails(openai.BadRequestError, lambda: said("   "))
fails(openai.BadRequestError, lambda: said("x" * 40_000))
fails(openai.BadRequestError, lambda: said("two, please", n=2))
stranger = openai.OpenAI(base_url=base_url, api_key="a-wrong-key-of-length", max_retries=0)
wrong = fails(openai.AuthenticationError, lambda: list(stranger.models.list()))
assert wrong.code == "invalid_api_key", wrong
print("all is well with openai", openai.__version__)
