"""What things are and the rules about them: pydantic and the standard library only."""
