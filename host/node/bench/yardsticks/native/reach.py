# The question of `reach` in CPython's best form, on instances from standard input (one JSON list a line, first the half
# range). Answers each further line, the number of times to go through all instances, with the seconds of CPU that took and how
# many targets of -M..M were reached in one go.
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
