"""How often does the engine cry wolf, and what does it miss, next to eleven others?"""
