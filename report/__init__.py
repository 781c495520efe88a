"""From results/ to what is read, in one direction: each file reads those above it.

benchmarks          the names of the benchmarks
results             asv's records
machines            all of them, by machine; which is the first
ways                which ways there are, and which are factored
comparison          sizes, noise, ties, leaders
student, spread     errors with heavy tails, and how far figures move where nothing changed
steps               did it change
failures            what was wrong, crashed, or ran out of time
text                figures and tables as text
views/              a file for each view: its rows, its chart, its table
page, site/         the page, and asv's site around it
table, summary      for the terminal
figures, documents  for the Markdown files
picture             of the page, for README
"""
