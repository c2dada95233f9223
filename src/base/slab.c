#include "base/slab.h"

#include <assert.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "base/cc.h"

#if CC_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

enum {
	ALIGN_BYTES = 16,
	CHUNK_BYTES = 64 * 1024,
	CHUNK_OBJECTS_MIN = 8,
};

/* At the end of its chunk, so that the objects start on a page. */
struct slab_chunk {
	struct slab_chunk *next;
	void *memory;
};

static size_t objects_bytes(const struct slab *s)
{
	return s->object_bytes * s->per_chunk;
}

static void poison(void *p, size_t n)
{
#if CC_ASAN
	__asan_poison_memory_region(p, n);
#else
	(void)p;
	(void)n;
#endif
}

static void unpoison(void *p, size_t n)
{
#if CC_ASAN
	__asan_unpoison_memory_region(p, n);
#else
	(void)p;
	(void)n;
#endif
}

/* The leak checker looks for pointers in malloc's memory only, unless told. */
static void chunk_show(void *p, size_t n, bool live)
{
#if CC_ASAN
	if (live)
		__lsan_register_root_region(p, n);
	else
		__lsan_unregister_root_region(p, n);
#else
	(void)p;
	(void)n;
	(void)live;
#endif
}

void slab_init(struct slab *s, size_t object_bytes, uint32_t cap)
{
	assert(object_bytes <= UINT32_MAX);
	if (object_bytes == 0)
		object_bytes = 1;
	object_bytes = (object_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
	uint32_t per_chunk = (uint32_t)(CHUNK_BYTES / object_bytes);
	if (per_chunk < CHUNK_OBJECTS_MIN)
		per_chunk = CHUNK_OBJECTS_MIN;
	if (per_chunk > cap)
		per_chunk = cap;
	*s = (struct slab){ .object_bytes = object_bytes, .cap = cap, .per_chunk = per_chunk };
}

void slab_fini(struct slab *s)
{
	size_t bytes = objects_bytes(s);

	for (struct slab_chunk *c = s->chunks, *next; c != NULL; c = next) {
		void *memory = c->memory;

		next = c->next;
		unpoison(memory, bytes);
		chunk_show(memory, bytes, false);
		(void)munmap(memory, bytes + sizeof(struct slab_chunk)); /* only our own mistakes */
	}
	*s = (struct slab){ .object_bytes = s->object_bytes,
			    .cap = s->cap,
			    .per_chunk = s->per_chunk };
}

/* mmap instead of malloc: pages that no object has used yet take no memory. */
static bool add_chunk(struct slab *s)
{
	size_t bytes = objects_bytes(s);
	char *memory = mmap(NULL, bytes + sizeof(struct slab_chunk), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	struct slab_chunk *chunk = (struct slab_chunk *)(void *)(memory + bytes);
	chunk->memory = memory;
	chunk->next = s->chunks;
	s->chunks = chunk;
	s->fresh = memory;
	s->fresh_left = s->per_chunk;
	poison(memory, bytes);
	chunk_show(memory, bytes, true);
	return true;
}

static void *take_fresh(struct slab *s)
{
	if (s->fresh_left == 0 && !add_chunk(s))
		return NULL;
	void *object = s->fresh;
	s->fresh += s->object_bytes;
	s->fresh_left--;
	s->made++;
	unpoison(object, s->object_bytes);
	return object;
}

void *slab_take(struct slab *s)
{
	void *object = s->free;

	if (s->used >= s->cap)
		return NULL;
	if (object == NULL) {
		object = take_fresh(s);
		if (object == NULL)
			return NULL;
	} else {
		unpoison(object, s->object_bytes);
		s->free = *(void **)object;
	}
	s->used++;
	return object;
}

void slab_put(struct slab *s, void *object)
{
	if (object == NULL)
		return;
	assert(s->used > 0);
	*(void **)object = s->free; /* a second put of the same object is caught here by ASan */
	s->free = object;
	s->used--;
	poison(object, s->object_bytes);
}
