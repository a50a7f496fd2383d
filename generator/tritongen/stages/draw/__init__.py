"""Pictures of ensembles and models, what flows where: as SVG, as Mermaid, or for others to draw."""

from tritongen.stages.draw.mermaid import mermaid
from tritongen.stages.draw.picture import Box, Link, Picture, Port, pictures
from tritongen.stages.draw.svg import svg

__all__ = ["Box", "Link", "Picture", "Port", "mermaid", "pictures", "svg"]
