"""What flow/report.py is made of: safe HTML, and pictures as SVG."""
