"""Skills: those of the site's folder and uploaded ones, for runs and for people."""
