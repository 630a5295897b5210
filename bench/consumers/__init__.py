"""The consumers that the queue row runs side by side, each as a process: ours and the peers in their own venv."""
