"""Agent Skills: folders with instructions for a task, which a model reads when it needs them (agentskills.io)."""
