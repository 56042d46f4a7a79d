"""What is shown of stored series: volumes, frames, pictures and prepared metadata."""
