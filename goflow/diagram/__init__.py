"""Pictures of workflows: boxes and links, laid out in layers, as SVG, text, Mermaid and DOT."""
