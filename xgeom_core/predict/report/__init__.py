"""What an answer rests on, in numbers and pictures."""
