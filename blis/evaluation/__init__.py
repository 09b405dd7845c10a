"""What a finished run tells: distributions, rates, detectors of trouble, and what its decisions were worth."""
