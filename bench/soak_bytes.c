#define _GNU_SOURCE
#include "soak.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t soak_dice(uint64_t *state, uint64_t n)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15U); /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
	return (z ^ (z >> 31)) % n;
}

const char *soak_pattern(uint64_t token)
{
	static char bytes[SOAK_SIZE_MAX + SOAK_PERIOD];

	if (bytes[0] == '\0') {
		uint64_t state = 1;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = i < SOAK_PERIOD ? (char)('a' + soak_dice(&state, 26))
						   : bytes[i - SOAK_PERIOD];
	}
	return bytes + token % SOAK_PERIOD;
}

int64_t soak_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *soak_field(const char *head, const char *name)
{
	const char *at = strcasestr(head, name);

	return at != NULL ? at + strlen(name) : NULL;
}

bool soak_is_any(char kind, const char *kinds)
{
	return strchr(kinds, kind) != NULL;
}

enum { AT_SIZE, AT_DATA, AT_DATA_END, AT_TRAILER };

/* A line without its end; false: not whole yet. Uses bytes in both cases. */
static bool take_line(struct soak_chunks *c, const char *p, size_t n, size_t *used)
{
	while (*used < n) {
		char byte = p[(*used)++];

		if (byte == '\n') {
			if (c->line_n > 0 && c->line[c->line_n - 1] == '\r')
				c->line_n--;
			c->line[c->line_n] = '\0';
			return true;
		}
		if (c->line_n < sizeof(c->line) - 1)
			c->line[c->line_n++] = byte;
	}
	return false;
}

static enum soak_chunk end_line(struct soak_chunks *c)
{
	bool is_empty = c->line_n == 0;
	char *end;

	c->line_n = 0;
	if (c->state == AT_TRAILER)
		return is_empty ? CHUNK_ENDED : CHUNK_WANTS;
	if (c->state == AT_DATA_END) {
		c->state = AT_SIZE;
		return is_empty ? CHUNK_WANTS : CHUNK_WRONG;
	}
	c->left = strtoull(c->line, &end, 16);
	if (end == c->line)
		return CHUNK_WRONG;
	c->state = c->left > 0 ? AT_DATA : AT_TRAILER;
	return CHUNK_WANTS;
}

enum soak_chunk soak_chunk_next(struct soak_chunks *c, const char *p, size_t n, size_t *used,
				size_t *piece)
{
	*used = *piece = 0;
	while (*used < n) {
		if (c->state == AT_DATA) {
			*piece = n - *used < c->left ? n - *used : (size_t)c->left;
			*used += *piece;
			c->left -= *piece;
			if (c->left == 0)
				c->state = AT_DATA_END;
			return CHUNK_PIECE;
		}
		if (!take_line(c, p, n, used))
			return CHUNK_WANTS;
		enum soak_chunk result = end_line(c);
		if (result != CHUNK_WANTS)
			return result;
	}
	return CHUNK_WANTS;
}
