"""`./dev bench`: what apikit's work costs, beside its peers and the limits of the machine."""
