import sys

from report.site import main

sys.exit(main(sys.argv[1:]))
