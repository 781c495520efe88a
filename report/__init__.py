"""Reads results/ and draws: tables for the terminal."""
