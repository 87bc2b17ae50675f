# The question of `solve --at-most` in CPython's best form, on instances from standard input: one JSON list of items a line,
# then the capacities. Answers each further line, the number of times to go through all, with the seconds of CPU that took and the
# sum of the best sums.
import json, sys, time

instances = json.loads(sys.stdin.readline())
capacities = json.loads(sys.stdin.readline())

def best():
    total = 0
    for items, capacity in zip(instances, capacities):
        sums = 1
        for x in items:
            sums |= sums << x
        total += (sums & ((2 << capacity) - 1)).bit_length() - 1
    return total

for line in sys.stdin:
    start = time.process_time()
    for _ in range(int(line)):
        total = best()
    print(json.dumps([time.process_time() - start, total]), flush=True)
