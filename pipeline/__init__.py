"""From a configuration to recordings, metrics and every artefact; the command line."""
