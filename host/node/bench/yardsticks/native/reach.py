# The yardstick of `reach` in CPython: big integers, its best form. Standard input has the half range, then a JSON list of
# instances. Each further line is a number of repetitions; the reply is their seconds of CPU time and the number of targets of
# -M..M that are reached in one repetition.
import json, sys, time

M = int(sys.stdin.readline())
instances = json.loads(sys.stdin.readline())

def reached():
    total, window = 0, (1 << (2 * M + 1)) - 1
    for items in instances:
        sums, negative = 1, 0
        for x in items:
            if x < 0:
                x = -x
                negative += x
            sums |= sums << x
        low = negative - M
        total += ((sums >> low if low >= 0 else sums << -low) & window).bit_count()
    return total

for line in sys.stdin:
    start = time.process_time()
    for _ in range(int(line)):
        total = reached()
    print(json.dumps([time.process_time() - start, total]), flush=True)
