"""What is done with label models: learned from texts, given to items, asked, reviewed and watched."""
