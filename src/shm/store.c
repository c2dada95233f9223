#include "shm/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/store_item.h"

enum { SHARD_BYTES_LEAST = 128 * 1024, TEXT_LEAST = 4096, LINE = 64 };

_Static_assert(ATOMIC_CHAR_LOCK_FREE == 2 && ATOMIC_SHORT_LOCK_FREE == 2,
	       "atomics shared between processes must not hide a lock");

/* More for larger ones: two writers meet less often. */
static uint32_t shards_for(uint64_t bytes)
{
	uint32_t n = STORE_SHARDS_MAX;
	while (n > 1 && bytes / n < SHARD_BYTES_LEAST)
		n /= 2;
	return n;
}

/* A power of two, about as many as there will be cells. */
static uint32_t buckets_for(uint64_t bytes)
{
	uint64_t cells = bytes / sizeof(struct store_cell);
	uint32_t n = 64;
	while (n < UINT32_C(1) << 30 && (uint64_t)n * 3 / 2 < cells)
		n *= 2;
	return n;
}

/* Where the parts of each shard are follows from the size. */
static void find_parts(struct store *s)
{
	s->shards_n = shards_for(s->bytes);
	uint64_t bytes = (s->bytes - STORE_HEAD_BYTES) / s->shards_n / LINE * LINE;
	uint32_t buckets = buckets_for(bytes);
	uint64_t before = sizeof(struct store_row) + (uint64_t)buckets * sizeof(uint32_t);
	for (uint32_t i = 0; i < s->shards_n; i++) {
		char *at = (char *)s->head + STORE_HEAD_BYTES + i * bytes;
		s->shards[i] = (struct store_shard){
			.row = (struct store_row *)(void *)at,
			.buckets = (_Atomic uint32_t *)(void *)(at + sizeof(struct store_row)),
			.cells = (struct store_cell *)(void *)(at + before),
			.mask = buckets - 1,
			.cells_n = (uint32_t)((bytes - before) / sizeof(struct store_cell)) - 1,
		};
	}
}

static enum err init_locks(struct store *s, struct error *e)
{
	pthread_mutexattr_t robust;
	int sys = pthread_mutexattr_init(&robust);

	if (sys != 0)
		return err_sys(e, sys, "a lock for a store");
	(void)pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED); /* of values */
	(void)pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);    /* that exist */
	for (uint32_t i = 0; i < s->shards_n && sys == 0; i++)
		sys = pthread_mutex_init(&s->shards[i].row->lock, &robust);
	for (uint32_t i = 0; i < STORE_TENANTS && sys == 0; i++)
		sys = pthread_mutex_init(&s->head->tenants[i].alive, &robust);
	(void)pthread_mutexattr_destroy(&robust);
	return sys == 0 ? ERR_OK : err_sys(e, sys, "a lock for a store");
}

/* In fresh memory. */
static enum err init(struct store *s, struct error *e)
{
	uint64_t id;

	find_parts(s);
	if (getrandom(s->key, sizeof(s->key), 0) != (ssize_t)sizeof(s->key) ||
	    getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return err_sys(e, errno, "random numbers for a store");
	*s->head = (struct store_head){
		.layout = STORE_LAYOUT, .bytes = s->bytes, .key = { s->key[0], s->key[1] }, .id = id
	};
	enum err err = init_locks(s, e);
	if (err == ERR_OK)
		s->head->magic = STORE_MAGIC;
	return err;
}

static enum err map(struct store *s, int fd, uint64_t bytes, struct error *e)
{
	int flags = MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		return err_sys(e, errno, "cannot map a store of %llu bytes",
			       (unsigned long long)bytes);
	(void)madvise(at, bytes,
		      MADV_DONTDUMP); /* secrets of policies; a kernel without it dumps */
	s->head = at;
	s->bytes = bytes;
	s->tenancy = (struct store_tenancy){ .rows = s->head->tenants };
	return ERR_OK;
}

static void unmap(struct store *s)
{
	if (s->head != NULL)
		(void)munmap(s->head, s->bytes); /* fails only on a bad address */
	s->head = NULL;
}

enum err store_lay_out(int fd, uint64_t bytes, struct error *e)
{
	struct store s = { .head = NULL };

	/* Sealed: no process can make it shorter under the others. */
	if (ftruncate(fd, (off_t)bytes) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return err_sys(e, errno, "memory for a store of %llu bytes",
			       (unsigned long long)bytes);
	enum err err = map(&s, fd, bytes, e);
	if (err == ERR_OK)
		err = init(&s, e);
	unmap(&s);
	return err;
}

static enum err new_view(struct store **s, struct error *e)
{
	*s = calloc(1, sizeof(**s));
	if (*s != NULL && store_make_text(*s, TEXT_LEAST))
		return ERR_OK;
	free(*s);
	*s = NULL;
	return err_set(e, ERR_MEMORY, "no memory for a store");
}

static enum err check_head(struct store *s, struct error *e)
{
	if (s->head->magic != STORE_MAGIC || s->head->layout != STORE_LAYOUT ||
	    s->head->bytes != s->bytes)
		return err_set(e, ERR_INVALID, "this is no store of this version");
	s->key[0] = s->head->key[0];
	s->key[1] = s->head->key[1];
	find_parts(s);
	return ERR_OK;
}

enum err store_open(struct store **s, int fd, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size < STORE_BYTES_MIN)
		return err_set(e, ERR_INVALID, "this is no store");
	enum err err = new_view(s, e);
	if (err != ERR_OK)
		return err;
	err = map(*s, fd, (uint64_t)st.st_size, e);
	if (err == ERR_OK)
		err = check_head(*s, e);
	if (err != ERR_OK) {
		store_close(*s);
		*s = NULL;
	}
	return err;
}

enum err store_create(struct store **s, uint64_t bytes, struct error *e)
{
	enum err err = new_view(s, e);

	if (err != ERR_OK)
		return err;
	err = map(*s, -1, bytes, e);
	if (err == ERR_OK)
		err = init(*s, e);
	if (err != ERR_OK) {
		store_close(*s);
		*s = NULL;
	}
	return err;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_tenant_end(&s->tenancy);
	unmap(s);
	free(s->text);
	free(s);
}

bool store_make_text(struct store *s, size_t n)
{
	size_t size = store_words(n) * 8;

	if (size <= s->text_size)
		return true;
	char *text = realloc(s->text, size);
	if (text == NULL)
		return false;
	s->text = text;
	s->text_size = size;
	return true;
}
