# The yardstick of `solve --at-most` in CPython: big integers, its best form. Standard input has a JSON list of instances, each a
# list of items, then a JSON list of capacities. Each further line is a number of repetitions; the reply is their seconds of CPU
# time and the total of the best sums.
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
