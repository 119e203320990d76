"""The centers of one frame: card, table, dragging, loupe, copying, what an answer rests on."""
