#include "base/slab.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cc.h"

#if CC_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

enum {
	ALIGN_BYTES = 16,
	CHUNK_BYTES = 64 * 1024,
	CHUNK_OBJECTS_MIN = 4,
	PAGE_BYTES = 4096,
	RESERVE_BYTES = 512 * 1024,
};

/* At the end of its chunk, so that the objects start on a page. */
struct slab_chunk {
	struct list node;
	void *free; /* objects that are parked */
	uint32_t free_n;
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

/* The smallest power of two that has room. */
static size_t span_for(size_t bytes)
{
	size_t span = CHUNK_BYTES;

	while (span < bytes)
		span *= 2;
	return span;
}

void slab_init(struct slab *s, size_t object_bytes, uint32_t cap)
{
	assert(object_bytes <= UINT32_MAX);
	if (object_bytes == 0)
		object_bytes = 1;
	object_bytes = (object_bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
	size_t span = span_for(object_bytes * CHUNK_OBJECTS_MIN + sizeof(struct slab_chunk));
	size_t per_chunk = (span - sizeof(struct slab_chunk)) / object_bytes;
	*s = (struct slab){ .object_bytes = object_bytes,
			    .cap = cap,
			    .per_chunk = per_chunk < cap ? (uint32_t)per_chunk : cap,
			    .span = span };
	list_init(&s->chunks);
	list_init(&s->parked);
	list_init(&s->node);
}

/* ---- chunks ---- */

static char *memory_of(const struct slab *s, struct slab_chunk *chunk)
{
	return (char *)(chunk + 1) - s->span;
}

static struct slab_chunk *chunk_at(const struct slab *s, char *memory)
{
	return (struct slab_chunk *)(void *)(memory + s->span) - 1;
}

static struct slab_chunk *chunk_of(const struct slab *s, void *object)
{
	return chunk_at(s, (char *)object - ((uintptr_t)object & (s->span - 1)));
}

static void *map(size_t bytes)
{
	void *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory != MAP_FAILED ? memory : NULL;
}

static void unmap(void *memory, size_t bytes)
{
	if (bytes > 0)
		(void)munmap(memory, bytes); /* only our own mistakes */
}

/* The kernel puts one mapping beside the other: mostly the first attempt is at a multiple. */
static char *map_span(size_t span)
{
	char *memory = map(span);

	if (memory == NULL || ((uintptr_t)memory & (span - 1)) == 0)
		return memory;
	unmap(memory, span);
	memory = map(2 * span);
	if (memory == NULL)
		return NULL;
	size_t before = span - ((uintptr_t)memory & (span - 1));
	unmap(memory, before);
	unmap(memory + before + span, span - before);
	return memory + before;
}

size_t slab_whole_pages(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	return (bytes + page - 1) / page * page;
}

void slab_give_pages(const struct slab *s, void *object)
{
	assert(slab_whole_pages(s->object_bytes) == s->object_bytes);
	(void)madvise(object, s->object_bytes, MADV_DONTNEED); /* locked memory stays: no harm */
}

/* mmap instead of malloc: pages that no object has used yet take no memory. */
static bool add_chunk(struct slab *s)
{
	char *memory = map_span(s->span);

	if (memory == NULL)
		return false;
	struct slab_chunk *chunk = chunk_at(s, memory);
	*chunk = (struct slab_chunk){ .free = NULL };
	list_append(&s->chunks, &chunk->node);
	s->fresh = memory;
	s->fresh_left = s->per_chunk;
	poison(memory, objects_bytes(s));
	chunk_show(memory, objects_bytes(s), true);
	return true;
}

static void drop_chunk(struct slab *s, struct slab_chunk *chunk)
{
	char *memory = memory_of(s, chunk);

	list_remove(&chunk->node);
	unpoison(memory, objects_bytes(s));
	chunk_show(memory, objects_bytes(s), false);
	unmap(memory, s->span);
}

static void drop_chunks(struct slab *s, struct list *of)
{
	while (!list_is_empty(of))
		drop_chunk(s, container_of(list_first(of), struct slab_chunk, node));
}

void slab_fini(struct slab *s)
{
	if (s->object_bytes == 0)
		return;
	drop_chunks(s, &s->chunks);
	drop_chunks(s, &s->parked);
	list_remove(&s->node);
	slab_init(s, s->object_bytes, s->cap);
}

/* ---- objects ---- */

static void push(void **list, void *object, size_t bytes)
{
	*(void **)object = *list; /* a second put of the same object is caught here by ASan */
	*list = object;
	poison(object, bytes);
}

static void *pop(struct slab *s)
{
	void *object = s->free;

	unpoison(object, s->object_bytes);
	s->free = *(void **)object;
	return object;
}

/* What one chunk has parked is all that is free. */
static bool unpark(struct slab *s)
{
	struct list *first = list_first(&s->parked);

	if (first == NULL)
		return false;
	struct slab_chunk *chunk = container_of(first, struct slab_chunk, node);
	list_remove(first);
	list_append(&s->chunks, first);
	s->free = chunk->free;
	s->parked_n -= chunk->free_n;
	chunk->free = NULL;
	chunk->free_n = 0;
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
	void *object;

	if (s->used >= s->cap)
		return NULL;
	if (likely(s->free != NULL) || unpark(s))
		object = pop(s);
	else
		object = take_fresh(s);
	if (object != NULL)
		s->used++;
	return object;
}

void slab_put(struct slab *s, void *object)
{
	if (object == NULL)
		return;
	assert(s->used > 0);
	push(&s->free, object, s->object_bytes);
	s->used--;
}

/* ---- trim ---- */

void slab_look(struct slab *s)
{
	uint32_t at_once =
		s->made - s->parked_n; /* what is not parked was needed, or is new to us */

	s->lately /= 2;
	if (s->lately < at_once)
		s->lately = at_once;
}

static bool has_whole_chunk_too_many(const struct slab *s)
{
	size_t kept = s->lately + RESERVE_BYTES / s->object_bytes;

	return s->made >= kept + s->per_chunk;
}

static bool is_whole(const struct slab *s, const struct slab_chunk *chunk)
{
	return chunk->free_n == s->per_chunk;
}

static void park_first(struct slab *s)
{
	void *object = pop(s);
	struct slab_chunk *chunk = chunk_of(s, object);

	push(&chunk->free, object, s->object_bytes);
	chunk->free_n++;
	s->parked_n++;
	if (chunk->free_n > 1 && !is_whole(s, chunk))
		return;
	list_remove(&chunk->node);
	if (is_whole(s, chunk))
		list_append(&s->parked, &chunk->node);
	else
		list_prepend(&s->parked, &chunk->node);
}

static bool drop_last(struct slab *s)
{
	if (list_is_empty(&s->parked))
		return false;
	struct slab_chunk *chunk = container_of(s->parked.prev, struct slab_chunk, node);
	if (!is_whole(s, chunk))
		return false;
	s->made -= s->per_chunk;
	s->parked_n -= s->per_chunk;
	drop_chunk(s, chunk);
	return true;
}

static void spend(uint32_t *budget, size_t n)
{
	*budget -= n < *budget ? (uint32_t)n : *budget;
}

bool slab_trim(struct slab *s, uint32_t *budget)
{
	if ((s->made - s->used) * s->object_bytes <= RESERVE_BYTES)
		return true;
	for (; s->free != NULL && *budget > 0; spend(budget, 1))
		park_first(s);
	while (*budget > 0 && has_whole_chunk_too_many(s) && drop_last(s))
		spend(budget, s->span / PAGE_BYTES);
	return *budget > 0;
}
