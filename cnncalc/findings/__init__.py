"""What is asked of a network and its report, each answer beside the page that shows it."""
