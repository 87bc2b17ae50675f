# The yardstick of the command `solve --at-most` in CPython: reads lines such as `3 5 8 : 9` of the file in the first argument,
# and prints the best sum of each.
import sys

with open(sys.argv[1]) as lines:
    for line in lines:
        items, _, capacity = line.partition(":")
        sums = 1
        for x in items.split():
            sums |= sums << int(x)
        print((sums & ((2 << int(capacity)) - 1)).bit_length() - 1)
