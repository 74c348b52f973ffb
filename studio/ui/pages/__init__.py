"""One module per station of the flow; a page gets a workbench and nothing else."""
