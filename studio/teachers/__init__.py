"""Clients of the large models: the only place that knows the OpenAI protocol."""
