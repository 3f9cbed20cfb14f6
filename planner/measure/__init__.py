"""Measuring: our own pipelines, running servers, and what others have measured."""
