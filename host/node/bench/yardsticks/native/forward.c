// The yardstick of `forward` in C: a layer with hidden units, by hand in AVX2, on one thread. Standard input has five i32
// (columns, units of a column, rows, inputs, shift), then i16: units, weights and inputs, units and weights column by column.
// Each further line is a number of repetitions; the reply is their seconds of CPU time and the total of the outputs.
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int32_t columns, group, rows, inputs, shift;
static int16_t *units, *weights, *given, *hidden;
static int32_t *outputs;

static void *take(size_t count, size_t size) {
  void *memory = aligned_alloc(64, (count * size + 63) & ~(size_t)63);
  if (!memory || fread(memory, size, count, stdin) != count) exit(1);
  return memory;
}

static void hidden_units(const int16_t *input, int16_t *to) {
  for (int c = 0; c < columns; c++)
    for (int q = 0; q < group; q++) {
      int16_t value = (int16_t)(units[c * group + q] * input[c]);
      to[c * group + q] = value > 0 ? value : 0;
    }
}

static int32_t sum(__m256i lanes) {
  __m128i x = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

// Four inputs by two outputs, so that each load serves several products.
static void tile(const int16_t *h, int width, int row, int32_t *to) {
  __m256i sums[4][2];
  for (int b = 0; b < 4; b++) sums[b][0] = sums[b][1] = _mm256_setzero_si256();
  const int16_t *first = weights + (size_t)row * width, *second = first + width;
  for (int k = 0; k < width; k += 16) {
    __m256i one = _mm256_loadu_si256((const __m256i *)(first + k));
    __m256i two = _mm256_loadu_si256((const __m256i *)(second + k));
    for (int b = 0; b < 4; b++) {
      __m256i x = _mm256_loadu_si256((const __m256i *)(h + (size_t)b * width + k));
      sums[b][0] = _mm256_add_epi32(sums[b][0], _mm256_madd_epi16(x, one));
      sums[b][1] = _mm256_add_epi32(sums[b][1], _mm256_madd_epi16(x, two));
    }
  }
  for (int b = 0; b < 4; b++)
    for (int r = 0; r < 2; r++) {
      int32_t output = sum(sums[b][r]) >> shift;
      to[(size_t)b * rows + row + r] = output > 0 ? output : 0;
    }
}

int main(void) {
  int32_t *header = take(5, 4);
  columns = header[0], group = header[1], rows = header[2], inputs = header[3], shift = header[4];
  int width = columns * group;
  units = take(width, 2);
  weights = take((size_t)rows * width, 2);
  given = take((size_t)inputs * columns, 2);
  int block = (1 << 18) / width & ~3;
  if (block < 4) block = 4;
  hidden = aligned_alloc(64, (size_t)block * width * 2);
  outputs = malloc((size_t)inputs * rows * 4);
  for (int times; scanf("%d", &times) == 1;) {
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int k = 0; k < times; k++)
      for (int b = 0; b < inputs; b += block) {
        int count = inputs - b < block ? inputs - b : block;
        for (int i = 0; i < count; i++) hidden_units(given + (size_t)(b + i) * columns, hidden + (size_t)i * width);
        for (int i = 0; i < count; i += 4)
          for (int row = 0; row < rows; row += 2)
            tile(hidden + (size_t)i * width, width, row, outputs + (size_t)(b + i) * rows);
      }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    long long total = 0;
    for (size_t i = 0; i < (size_t)inputs * rows; i++) total += outputs[i];
    double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    printf("[%.9f, %lld]\n", seconds, total);
    fflush(stdout);
  }
}
