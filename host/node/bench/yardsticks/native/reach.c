// The yardstick of `reach` in C: the targets of -M..M that subsets of n integers reach, by hand in AVX2, on one thread. Standard
// input has four i32 (M, n, instances, 0), then the items, i32, instance by instance. Each further line is a number of
// repetitions; the reply is their seconds of CPU time and the number of targets that are reached in one repetition.
//
// Items enter by magnitude, so that only left shifts are needed, and those up to M / 2 enter first. The frame is mirrored where
// the negative items weigh more. Only the words of the live window are updated.
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *take(size_t count, size_t size) {
  void *memory = aligned_alloc(64, (count * size + 63) & ~(size_t)63);
  if (!memory || fread(memory, size, count, stdin) != count) exit(1);
  return memory;
}

// R |= R << a on the blocks of four words from word `high` down to word `low`. A shift by whole bytes is another address, and
// the remaining bits come from that address and from the byte below.
static inline void step(uint64_t *sums, long low, long high, int a) {
  const __m128i left = _mm_cvtsi32_si128(a & 7), right = _mm_cvtsi32_si128(8 - (a & 7));
  const long bytes = a >> 3;
  const char *end = (const char *)(sums + (low & ~3L));
  for (char *p = (char *)(sums + (high & ~3L)); p >= end; p -= 32) {
    const __m256i upper = _mm256_sll_epi64(_mm256_loadu_si256((const __m256i *)(p - bytes)), left);
    const __m256i lower = _mm256_srl_epi64(_mm256_loadu_si256((const __m256i *)(p - bytes - 1)), right);
    __m256i *block = (__m256i *)p;
    _mm256_store_si256(block, _mm256_or_si256(_mm256_load_si256(block), _mm256_or_si256(upper, lower)));
  }
}

static long ones(const uint64_t *sums, long from, long to) {
  if (to < from) return 0;
  const long first = from >> 6, last = to >> 6;
  const uint64_t above = ~0ull << (from & 63), below = ~0ull >> (63 - (to & 63));
  if (first == last) return __builtin_popcountll(sums[first] & above & below);
  long count = __builtin_popcountll(sums[first] & above) + __builtin_popcountll(sums[last] & below);
  for (long w = first + 1; w < last; w++) count += __builtin_popcountll(sums[w]);
  return count;
}

static inline long most(long a, long b) { return a > b ? a : b; }
static inline long least(long a, long b) { return a < b ? a : b; }

// The partition is arithmetic instead of a conditional, which gcc -O3 compiles to a jump that cannot be predicted (measured: 1.3
// times slower at M = 2^8).
static long reached(const int32_t *items, int n, int M, uint64_t *sums) {
  int32_t order[64];
  int front = 0, back = n - 1;
  long negative = 0, sum = 0;
  for (int i = 0; i < n; i++) {
    const int sign = items[i] >> 31, a = (items[i] ^ sign) - sign, large = a > M >> 1;
    negative += a & sign;
    sum += a;
    order[front + (back - front) * large] = a;
    front += !large;
    back -= large;
  }
  negative = least(negative, sum - negative);
  const long live_to = least(sum, negative + M), lowest = negative - M;
  memset(sums, 0, (size_t)((live_to >> 6 | 7) + 1) * 8);
  sums[0] = 1;
  long prefix_sum = 0;
  for (int i = 0; i < n; i++) {
    prefix_sum += order[i];
    step(sums, most(0, lowest - (sum - prefix_sum)) >> 6, least(prefix_sum, live_to) >> 6, order[i]);
  }
  return ones(sums, most(0, lowest), live_to);
}

int main(void) {
  const int32_t *header = take(4, 4);
  const int M = header[0], n = header[1], instances = header[2];
  const int32_t *items = take((size_t)instances * n, 4);
  // Zeros below the bitset, as far as a step reads, and some words above it.
  const size_t margin = (((size_t)M >> 5) + 31) & ~(size_t)7, words = (size_t)n * M / 64 + 64;
  const size_t bytes = ((margin + words) * 8 + 63) & ~(size_t)63;
  uint64_t *memory = aligned_alloc(64, bytes);
  memset(memory, 0, bytes);
  for (int times; scanf("%d", &times) == 1;) {
    struct timespec start, end;
    long total = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int k = 0; k < times; k++)
      for (int t = 0; t < instances; t++) total += reached(items + (size_t)t * n, n, M, memory + margin);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    const double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    printf("[%.9f, %ld]\n", seconds, total / times);
    fflush(stdout);
  }
}
