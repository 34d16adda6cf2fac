"""What carries verbs out and tells of them: orchestration, schedules, logs, progress, summaries, being stopped."""
