"""The release: builds what students get from what the instructor has, and keeps back what must stay."""
