"""What our jobs cost beside plain loops, as ratios of runs that alternate in one process."""
