"""What ended instances tell, summed up: how long, how many, how often again."""
