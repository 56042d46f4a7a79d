"""What steps share: demands on volumes, masks, and filters' mathematics."""
