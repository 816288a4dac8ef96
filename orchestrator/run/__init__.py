"""What one run is: its request, its memory, its report, its commits."""
