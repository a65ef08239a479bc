"""The history of pageblocks: who took them, when they were polluted, whether they recovered."""
