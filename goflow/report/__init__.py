"""One self-contained HTML file of a run: its graph, timeline, nodes, servers and cache."""
