"""What is asked, as data, and its answer: the one way of commands, documents, pages and Python."""
