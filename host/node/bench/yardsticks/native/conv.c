// The yardstick of convolutions in C: a layer on images, by hand in AVX2, on one thread. Standard input has eight i32
// (channels, height and width of images, the side of the window, padding, rows, inputs, shift), then i16: weights
// [rows][side][side][channels] and images [height][width][channels]. Each further line is a number of repetitions; the reply is
// their seconds of CPU time and the total of the outputs.
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int32_t channels, height, width, side, padding, rows, inputs, shift;
static int32_t output_height, output_width, pairs;
static int16_t *weights, *images, *gathered;
static int32_t *packed, *outputs;

static void *take(size_t count, size_t size) {
  void *memory = aligned_alloc(64, (count * size + 127) & ~(size_t)63);
  if (!memory || fread(memory, size, count, stdin) != count) exit(1);
  return memory;
}

// Writes weights as pairs, those of 8 rows side by side, as a register holds them.
static void pack(void) {
  int columns = side * side * channels, tiles = (rows + 7) / 8;
  packed = aligned_alloc(64, (size_t)tiles * pairs * 32);
  memset(packed, 0, (size_t)tiles * pairs * 32);
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < columns; c++)
      ((int16_t *)packed)[((size_t)(r / 8 * pairs + c / 2) * 8 + r % 8) * 2 + c % 2] = weights[(size_t)r * columns + c];
}

// The numbers below the window of one output point.
static void gather(const int16_t *image, int y, int x, int16_t *to) {
  int count = side * channels, first = x - padding;
  for (int a = 0; a < side; a++, to += count) {
    int row = y + a - padding;
    if (row < 0 || row >= height) {
      memset(to, 0, 2 * count);
      continue;
    }
    const int16_t *from = image + (row * width + first) * channels;
    if (first >= 0 && first + side <= width) {
      if (count <= 16) _mm256_storeu_si256((__m256i *)to, _mm256_loadu_si256((const __m256i *)from));
      else memcpy(to, from, 2 * count);
      continue;
    }
    for (int b = 0; b < side; b++)
      if (first + b < 0 || first + b >= width) memset(to + b * channels, 0, 2 * channels);
      else memcpy(to + b * channels, from + b * channels, 2 * channels);
  }
}

// Four points by two registers of 8 rows.
static inline void tile(const int16_t *x, size_t stride, const int32_t *w, int two, __m256i sums[4][2]) {
  const int32_t *w2 = w + (size_t)pairs * 8;
  for (int p = 0; p < 4; p++) sums[p][0] = sums[p][1] = _mm256_setzero_si256();
  for (int k = 0; k < pairs; k++) {
    __m256i one = _mm256_load_si256((const __m256i *)(w + 8 * k));
    __m256i other = two ? _mm256_load_si256((const __m256i *)(w2 + 8 * k)) : one;
    for (int p = 0; p < 4; p++) {
      int32_t pair;
      memcpy(&pair, x + p * stride + 2 * k, 4);
      __m256i given = _mm256_set1_epi32(pair);
      sums[p][0] = _mm256_add_epi32(sums[p][0], _mm256_madd_epi16(given, one));
      if (two) sums[p][1] = _mm256_add_epi32(sums[p][1], _mm256_madd_epi16(given, other));
    }
  }
}

static void finish(__m256i sums, int count, int32_t *to) {
  int32_t lanes[8];
  __m256i output = _mm256_max_epi32(_mm256_sra_epi32(sums, _mm_cvtsi32_si128(shift)), _mm256_setzero_si256());
  if (count >= 8) _mm256_storeu_si256((__m256i *)to, output);
  else {
    _mm256_storeu_si256((__m256i *)lanes, output);
    memcpy(to, lanes, 4 * count);
  }
}

static void convolve(const int16_t *image, int32_t *to) {
  int points = output_height * output_width;
  size_t stride = (size_t)2 * pairs + 16;
  for (int first = 0; first < points; first += 4) {
    int count = points - first < 4 ? points - first : 4;
    for (int p = 0; p < count; p++)
      gather(image, (first + p) / output_width, (first + p) % output_width, gathered + p * stride);
    for (int r = 0; r < rows; r += 16) {
      __m256i sums[4][2];
      const int32_t *w = packed + (size_t)(r / 8) * pairs * 8;
      if (r + 8 < rows) tile(gathered, stride, w, 1, sums);
      else tile(gathered, stride, w, 0, sums);
      for (int p = 0; p < count; p++) {
        finish(sums[p][0], rows - r, to + (size_t)(first + p) * rows + r);
        if (r + 8 < rows) finish(sums[p][1], rows - r - 8, to + (size_t)(first + p) * rows + r + 8);
      }
    }
  }
}

int main(void) {
  int32_t *header = take(8, 4);
  channels = header[0], height = header[1], width = header[2], side = header[3], padding = header[4];
  rows = header[5], inputs = header[6], shift = header[7];
  output_height = height + 2 * padding - side + 1, output_width = width + 2 * padding - side + 1;
  int columns = side * side * channels;
  pairs = (columns + 1) / 2;
  weights = take((size_t)rows * columns, 2);
  images = take((size_t)inputs * height * width * channels, 2);
  gathered = calloc((size_t)4 * (2 * pairs + 16) + 16, 2);
  outputs = malloc((size_t)inputs * output_height * output_width * rows * 4);
  for (int times; scanf("%d", &times) == 1;) {
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int k = 0; k < times; k++) {
      pack();
      for (int i = 0; i < inputs; i++)
        convolve(images + (size_t)i * height * width * channels,
                 outputs + (size_t)i * output_height * output_width * rows);
      free(packed);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    long long total = 0;
    for (size_t i = 0; i < (size_t)inputs * output_height * output_width * rows; i++) total += outputs[i];
    double seconds = (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
    printf("[%.9f, %lld]\n", seconds, total);
    fflush(stdout);
  }
}
