"""Networks, what goes into them, and their files.

Nothing here is imported by name from the package itself: `settings` and `inputs` are light,
`resnet` and `store` need torch.
"""
