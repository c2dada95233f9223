#include "app/hint.h"

#include <string.h>

enum { LONGEST = 32 };

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, one row at a time; words up to LONGEST. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LONGEST + 1], a_n = strlen(a), b_n = strlen(b);

	for (size_t j = 0; j <= b_n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_n; j++) {
			size_t above = row[j];
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			row[j] = least(above + 1, row[j - 1] + 1, change);
			diagonal = above;
		}
	}
	return row[b_n];
}

const char *hint_nearest(const char *word, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t most = strlen(word) / 2 < 2 ? strlen(word) / 2 : 2;
	size_t best = most + 1;

	if (strlen(word) > LONGEST)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t d = strlen(words[i]) <= LONGEST ? distance(word, words[i]) : best;
		if (d < best) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
