"""User tasks and what people do with them."""
