"""The same system with Docker: what docker-compose.yml runs once, and what checks the file and its images."""
