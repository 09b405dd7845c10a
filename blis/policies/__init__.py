"""What a candidate policy may decide, and the files it is written in."""
