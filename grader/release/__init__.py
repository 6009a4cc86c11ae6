"""The release: builds what students get from what the instructor has, and lets nothing out that must stay."""
