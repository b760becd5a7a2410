"""The faces of the engine: the console, the REST interfaces of Camunda 7 and 8, and the command line."""
