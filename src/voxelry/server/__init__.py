"""The site: Django, its database, its files and its jobs. The only room that imports Django."""
