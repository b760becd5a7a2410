"""Jobs for services and workers: handed out, retried, recorded, held."""
