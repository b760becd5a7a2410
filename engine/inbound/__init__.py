"""Events that come in: from webhooks and brokers to messages and starts, each once."""
