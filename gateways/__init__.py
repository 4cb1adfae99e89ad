"""The hands: one file per outside world. They know the laws, and neither the tables nor each other's business."""
