#include "http/h2_arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/cc.h"

enum {
	LARGE_BYTES = 1000, /* pieces of at least so many are in the region */
	ALIGN_BYTES = 16,
	/* What was written is kept in lines. */
	LINE_BYTES = 32,
	LINES = H2_ARENA_BYTES / LINE_BYTES,
	WARM = 16, /* regions that are free may keep their pages */
};

struct h2_image {
	uint8_t is_kept[LINES / 8]; /* a bit for each line of the region */
	uint8_t lines[];
};

_Static_assert(sizeof(struct h2_image) % sizeof(void *) == 0, "pointers in lines are aligned");

/* ---- pieces ---- */

static bool has(const struct h2_arena *a, const void *p)
{
	return (uintptr_t)p - (uintptr_t)a->memory < H2_ARENA_BYTES;
}

static void *take_large(struct h2_arena *a, size_t n)
{
	if (n > H2_ARENA_BYTES - a->used)
		return malloc(n);
	void *p = a->memory + a->used;
	a->used += (uint32_t)((n + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES);
	return p;
}

static void *take(size_t n, void *arena)
{
	return likely(n < LARGE_BYTES) ? malloc(n) : take_large(arena, n);
}

/* What was large stays taken until the session ends: nghttp2 gives little of it back before. */
static void give_back(void *p, void *arena)
{
	if (likely(!has(arena, p)))
		free(p);
}

static void *take_zeroed(size_t n, size_t bytes, void *arena)
{
	if (bytes != 0 && n > LARGE_BYTES / bytes) {
		if (n > SIZE_MAX / bytes)
			return NULL;
		void *p = take_large(arena, n * bytes);
		return p != NULL ? memset(p, 0, n * bytes) : NULL;
	}
	return calloc(n, bytes);
}

static void *take_more(void *p, size_t n, void *arena)
{
	const struct h2_arena *a = arena;
	if (p == NULL)
		return take(n, arena);
	if (!has(a, p))
		return realloc(p, n);
	size_t most = (size_t)(a->memory + a->used - (char *)p); /* at least what it had */
	void *more = malloc(n);
	return more != NULL ? memcpy(more, p, n < most ? n : most) : NULL;
}

nghttp2_mem h2_arena_mem(struct h2_arena *a)
{
	return (nghttp2_mem){ a, take, give_back, take_zeroed, take_more };
}

/* ---- sleep ---- */

static bool is_zero(const char *line)
{
	static const char zeros[LINE_BYTES];
	return memcmp(line, zeros, LINE_BYTES) == 0;
}

static struct h2_image *image_of(const struct h2_arena *a)
{
	uint8_t is_kept[LINES / 8] = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < LINES; i++) {
		if (is_zero(a->memory + i * LINE_BYTES))
			continue;
		is_kept[i / 8] |= (uint8_t)(1U << i % 8);
		n++;
	}
	struct h2_image *image = malloc(sizeof(*image) + n * LINE_BYTES);
	if (image != NULL)
		memcpy(image->is_kept, is_kept, sizeof(is_kept));
	return image;
}

void h2_arena_sleep(struct h2_arena *a)
{
	struct h2_image *image = image_of(a);
	if (image == NULL)
		return;
	uint8_t *to = image->lines;
	for (size_t i = 0; i < LINES; i++) {
		if ((image->is_kept[i / 8] & 1U << i % 8) == 0)
			continue;
		memcpy(to, a->memory + i * LINE_BYTES, LINE_BYTES);
		to += LINE_BYTES;
	}
	a->image = image;
	slab_give_pages(a->from, a->memory);
}

void h2_arena_wake(struct h2_arena *a)
{
	const uint8_t *from = a->image->lines;
	for (size_t i = 0; i < LINES; i++) {
		if ((a->image->is_kept[i / 8] & 1U << i % 8) == 0)
			continue;
		memcpy(a->memory + i * LINE_BYTES, from, LINE_BYTES);
		from += LINE_BYTES;
	}
	free(a->image);
	a->image = NULL;
}

/* ---- life ---- */

void h2_arena_init_slab(struct slab *arenas)
{
	slab_init(arenas, slab_whole_pages(H2_ARENA_BYTES), UINT32_MAX);
}

bool h2_arena_open(struct h2_arena *a, struct slab *arenas)
{
	*a = (struct h2_arena){ .from = arenas, .memory = slab_take(arenas) };
	return a->memory != NULL;
}

void h2_arena_close(struct h2_arena *a)
{
	assert(a->image == NULL);
	if (a->memory == NULL)
		return;
	if (a->from->made - a->from->used >= WARM)
		slab_give_pages(a->from, a->memory);
	slab_put(a->from, a->memory);
	a->memory = NULL;
}
